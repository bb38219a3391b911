"""Say what the parts of a draft are, in a few words each. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from api.web.wizard.summary.names import timing_name
from api.web.words import count, kind_words
from mailroom.drafts.spec import Part
from mailroom.timing import TIMING
from mailroom.timing.words import sentence
from prefect_mailroom.channels.registry import destination
from prefect_mailroom.errors import ConfigurationError


def answer(part: Part, value: Mapping[str, Any], *, report_title: str) -> str:
    """Return what a part is in a few words; empty where that cannot be said."""
    match part:
        case Part.REPORT:
            return report_title
        case Part.TIMING:
            return short_timing(value.get("timing"))
        case Part.PARAMETERS:
            given = value.get("parameters")
            return count(len(given), "value") if isinstance(given, dict) and given else "All data"
        case Part.DESTINATIONS:
            return reach_words(value.get("destinations"))
        case Part.NAME:
            return str(value.get("name") or "")


def short_timing(timing: Any) -> str:
    """Return a timing in a few words, such as "Mondays 09:00"; empty where it has faults."""
    words = timing_name(timing) or timing_words(timing)
    return f"{words[:1].upper()}{words[1:]}"


def timing_words(timing: Any) -> str:
    """Return a timing as a sentence; empty where it has faults."""
    try:
        return sentence(TIMING.validate_python(timing))
    except ValidationError:
        return ""


def reach_words(destinations: Any) -> str:
    """Return whom a schedule reaches, such as "12 people and 1 folder"; empty where nobody."""
    people, places = reach(destinations)
    found = [count(people, "person", "people")] if people else []
    found += [_place(kind, number) for kind, number in places]
    return " and ".join(filter(None, [", ".join(found[:-1]), found[-1]])) if found else ""


def reach(destinations: Any) -> tuple[int, Sequence[tuple[str, int]]]:
    """Return how many people the destinations name, and how many of each kind of place besides."""
    people: set[str] = set()
    places: dict[str, int] = {}
    for one in destinations if isinstance(destinations, list) else ():
        if not isinstance(one, dict):
            continue
        try:
            addresses = destination(one).addresses()
        except (ValidationError, ConfigurationError):
            addresses = _written(one)
        if addresses or one.get("channel") == "email":
            people |= set(addresses)
        else:
            kind = str(one.get("channel", ""))[:40]
            places[kind] = places.get(kind, 0) + 1
    return len(people), tuple(places.items())


def _written(one: Mapping[str, Any]) -> list[str]:
    lists = (one.get(name) for name in ("to", "cc", "bcc"))
    return [str(address) for written in lists if isinstance(written, list) for address in written]


def _place(kind: str, number: int) -> str:
    words = kind_words(kind) if kind else "destination"
    words = words if words.isupper() else words.lower()
    return count(number, words, f"{words} places" if words.isupper() else f"{words}s")
