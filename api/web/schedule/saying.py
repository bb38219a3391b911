"""Say what a schedule is in words: whom it reaches, what goes where, by which rules. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from api.web import when, words
from api.web.fields.said import value_words
from mailroom.executions.conditions.spec import Condition
from mailroom.executions.conditions.words import condition_words as in_words
from mailroom.executions.policy import Policy
from mailroom.schedules.overview.reach import Reach
from mailroom.timing import TIMING
from mailroom.timing.words import sentence, span_words

SHOWN = 6
"""How many recipients are named; the others are counted."""
_OVERLAP = {
    "skip": "While an earlier run has not ended, a later one is left out",
    "buffer_one": "While an earlier run has not ended, one later run waits for it",
    "allow": "Runs may overlap",
    "cancel_other": "A later run takes the place of an earlier one that has not ended",
}
_CATCH_UP = {
    "none": "What was not run in time is not made good",
    "latest": "Of several that were not run in time, only the latest is",
    "all": "What was not run in time is run one after the other",
}
_NOTIFY = {
    "late": "Its readers are told when it is late or has failed",
    "failed": "Its readers are told when it has failed",
}


def listed(parts: Sequence[str]) -> str:
    """Return words as a list, such as "a, b and c"."""
    return f"{', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else "".join(parts)


def format_words(formats: Sequence[str]) -> str:
    """Return formats, such as "PDF and XLSX"."""
    return listed([one.upper() for one in formats])


def reach_words(reach: Reach) -> str:
    """Return whom a run reaches, such as "12 people and 1 folder"."""
    parts = [words.count(len(reach.people), "person", "people")] if reach.people else []
    for channel, number in reach.places:
        parts.append(words.places(channel, number))
    return listed(parts) or "nobody"


def goes_to(reach: Reach) -> str:
    """Return what goes to whom, such as "The PDF and XLSX go to 12 people and 1 folder"."""
    verb = "goes" if len(reach.formats) == 1 else "go"
    return f"The {format_words(reach.formats)} {verb} to {reach_words(reach)}"


def falls_away(count: int) -> str:
    """Return what a pause means, such as "3 runs in the next 7 days fall away."; empty where none does."""
    if not count:
        return ""
    return f"{words.count(count, 'run')} in the next 7 days {'falls' if count == 1 else 'fall'} away."


def people(addresses: Sequence[str]) -> str:
    """Return addresses, of many only the first."""
    more = len(addresses) - SHOWN
    return ", ".join(addresses[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def destination_lines(destination: Mapping[str, Any]) -> tuple[str, ...]:
    """Return where a destination leads, as it is stored."""
    name = words.kind_words(str(destination.get("channel", "")))
    first = f"{name} through {destination['connection']}" if destination.get("connection") else name
    lines = []
    for key, label in (("to", "To"), ("cc", "Cc"), ("bcc", "Bcc")):
        if addresses := destination.get(key):
            lines.append(f"{label}: {people([str(one) for one in addresses])}")
    for key, label in (("subject", "Subject"), ("path", "Path"), ("url", "Address")):
        if destination.get(key):
            lines.append(f"{label}: {destination[key]}")
    return (first, *lines)


def timing_words(timing: Any) -> str:
    """Return a stored timing as a sentence; one that cannot be read any more is said to be so."""
    try:
        return sentence(TIMING.validate_python(timing))
    except ValidationError:
        return "A timing that cannot be read any more"


def condition_words(condition: Any) -> str:
    """Return when something is sent at all."""
    try:
        return in_words(Condition.model_validate(condition))
    except ValidationError:
        return value_words(condition)


def policy_lines(policy: Any) -> tuple[str, ...]:
    """Return the rules for runs that overlap, are late or fail, a line each."""
    try:
        read = Policy.model_validate(policy)
    except ValidationError:
        return (value_words(policy),)
    failures = words.count(read.pause_after_failures, "failure")
    lines = [
        f"{_OVERLAP[read.overlap]}.",
        f"{_CATCH_UP[read.catchup]}.",
        f"Too late after {span_words(read.expires_after)}; suspended after {failures} in a row.",
    ]
    if read.jitter:
        lines.append(f"Starts up to {when.duration(read.jitter.total_seconds())} after its time, to spread the load.")
    if read.notify_recipients != "none":
        lines.append(f"{_NOTIFY[read.notify_recipients]}.")
    return tuple(lines)
