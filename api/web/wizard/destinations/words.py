"""Say what is wrong with the formats and destinations, in the words of their fields. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from api.web import forms, refusals
from api.web.fields import words
from api.web.fields.schema import properties
from api.web.wizard.destinations.form import PEOPLE, PREFIX, people_in, schema_of
from api.web.wizard.destinations.variables import known_names, unknown_words
from api.web.words import kind_words
from mailroom.errors import Fault
from mailroom.recipients.pasted import Pasted
from mailroom.reports.spec import ReportDefinition

_PLACE = re.compile(rf"{PREFIX}\.(?P<index>[0-9]+)(?:\.(?P<field>[a-z_0-9]+))?(?:\..*)?")
_MOST_TOLD = 5


def place_in(value: Mapping[str, Any]) -> Callable[[Fault], str]:
    """Return what says which field a fault is about.

    Args:
        value: of the part, as it was entered.
    """
    destinations = _destinations(value)

    def place(fault: Fault) -> str:
        if fault.field.startswith("formats"):
            return "formats-"
        found = _PLACE.fullmatch(fault.field)
        if found is None:
            return PREFIX
        index, field = found["index"], found["field"]
        if field is None:
            # What is wrong with a destination as a whole is told at its first field.
            own = destinations[int(index)] if int(index) < len(destinations) else {}
            field = next(iter(people_in(own.get("channel"), own)), "connection")
        deeper = found["field"] and field not in PEOPLE
        return forms.flat(fault.field) if deeper else f"{PREFIX}-{index}-{field}"

    return place


def _destinations(value: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    written = value.get("destinations")
    return [one if isinstance(one, dict) else {} for one in written] if isinstance(written, list) else []


def say_in(definition: ReportDefinition, value: Mapping[str, Any]) -> Callable[[Fault], str]:
    """Return what says a fault of this step.

    Args:
        value: of the part, as it was entered.
    """
    destinations = _destinations(value)

    def say(fault: Fault) -> str:
        if fault.field == "formats":
            return "Choose at least one format."
        if fault.field == PREFIX and not destinations:
            return "Add a destination: nobody gets the report yet."
        found = _PLACE.fullmatch(fault.field)
        index = int(found["index"]) if found else len(destinations)
        own = destinations[index] if index < len(destinations) else {}
        field = found["field"] if found else None
        told = _of_people(own, field) or _of_text(own, field, definition) or _of_pairs(own, field)
        return told or _plain(fault, own, field)

    return say


def more_faults(value: Mapping[str, Any], told: Sequence[Fault]) -> list[Fault]:
    """Return the lists of recipients with something wrong that nobody has told yet: of a destination with several
    faults, the first is told alone.
    """
    known = {place_in(value)(fault) for fault in told}
    found = []
    for index, own in enumerate(_destinations(value)):
        for name, pasted in people_in(own.get("channel"), own).items():
            if pasted.wrong and f"{PREFIX}-{index}-{name}" not in known:
                found.append(Fault(f"{PREFIX}.{index}.{name}", wrong_words(pasted)))
    return found


def _of_people(own: Mapping[str, Any], field: str | None) -> str:
    lists = people_in(own.get("channel"), own)
    if field is None:
        is_empty = lists and not any(one.recognised or one.wrong for one in lists.values())
        return "Enter at least one recipient." if is_empty else ""
    return wrong_words(lists[field]) if field in lists and lists[field].wrong else ""


def wrong_words(pasted: Pasted) -> str:
    """Return what is no address in a list, each with its line."""
    told = [f"Line {one.line}: {one.why}" for one in pasted.wrong[:_MOST_TOLD]]
    if more := len(pasted.wrong) - len(told):
        told.append(f"{more} more are wrong.")
    return " ".join(told)


def _of_text(own: Mapping[str, Any], field: str | None, definition: ReportDefinition) -> str:
    template = own.get(field) if field else None
    if not isinstance(template, str):
        return ""
    return " ".join(unknown_words(template, known_names(definition, of_files=field not in {"subject", "text"})))


def _of_pairs(own: Mapping[str, Any], field: str | None) -> str:
    """Return what is wrong with lines of name=value of which one has no "="."""
    kinds = {one.name: one.kind for one in properties(schema_of(own.get("channel")))}
    if field is None or kinds.get(field) != "pairs" or not isinstance(own.get(field), str):
        return ""
    return f"{words.label(field, '')}: Write each on a line of its own, as name=value."


def _plain(fault: Fault, own: Mapping[str, Any], field: str | None) -> str:
    if field == "connection":
        name = own.get("connection") or ""
        kind = kind_words(str(own.get("channel", "")))
        return (
            f"There is no connection “{name}” for {kind} any more. Choose another one."
            if name
            else ("Choose a connection.")
        )
    label = words.label(field, "") if field else ""
    sentence = refusals.of_fault(fault).sentence
    return f"{label}: {sentence}" if label else sentence
