"""Choose a date of a report: relative to the run, such as the start of last month, or fixed. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from api.web.fields.said import ANCHORS, UNITS
from api.web.parts import Field, Option
from mailroom.reports.dates import is_relative

RELATIVE, FIXED, WRITTEN, NONE = "relative", "fixed", "written", "none"
_SIMPLE = re.compile(r"(?P<anchor>[a-z_]+?)(?:(?P<amount>[+-][0-9]{1,5})(?P<unit>[dwmy]))?")
_AMOUNT = re.compile(r"[+\-\u2212]?[0-9]{1,5}", re.ASCII)


@dataclass(frozen=True, slots=True)
class DateField:
    """The fields of a date: a radio for each way to say it, and the fields of that way.

    Attributes:
        name: what the names of its fields begin with; `how` is the way that is chosen.
        written: an expression that the lists cannot say; None where there is none.
        may_be_empty: whether no date is a choice.
    """

    name: str
    label: str
    how: str
    anchor: Field
    amount: Field
    unit: Field
    fixed: Field
    written: Field | None = None
    may_be_empty: bool = False
    hint: str = ""
    errors: tuple[str, ...] = ()


def read(sent: Mapping[str, Any], zone: str, *, with_time: bool = False) -> str | None:
    """Return what was chosen, as a report's parameter has it; what cannot be read stays as it was typed.

    Args:
        sent: the fields of the date, by their own names.
        zone: of the schedule, whose local time a fixed one is.
        with_time: whether it is a point in time.
    """
    how = _text(sent, "how")
    if how == NONE:
        return None
    if how == WRITTEN:
        return _text(sent, "written")
    if how == RELATIVE:
        amount = _text(sent, "amount").replace("\u2212", "-") or "0"
        if not _AMOUNT.fullmatch(amount):
            return f"{_text(sent, 'anchor')}{amount}{_text(sent, 'unit')}"
        number = int(amount)
        return _text(sent, "anchor") + (f"{number:+d}{_text(sent, 'unit')}" if number else "")
    return _moment(_text(sent, "fixed"), zone) if with_time else _text(sent, "fixed")


def field_of(
    name: str,
    label: str,
    value: Any,
    zone: str,
    *,
    with_time: bool = False,
    may_be_empty: bool = False,
    hint: str = "",
    errors: tuple[str, ...] = (),
) -> DateField:
    """Return the fields of a date.

    Args:
        value: as `read` returns it, or as it is stored; None for no date.
    """
    text = value if isinstance(value, str) else ""
    found = _SIMPLE.fullmatch(text.replace("_last_full_", "_last_"))
    simple = found if found and found["anchor"] in ANCHORS else None
    # What was typed into the fields and cannot be read: the number is shown again where the lists can say the rest.
    how = RELATIVE if simple else WRITTEN if is_relative(text) or (text and text[0].isalpha()) else FIXED
    if not text and may_be_empty:
        how = NONE
    fixed = text if how == FIXED else ""
    return DateField(
        name=name,
        label=label,
        how=how,
        anchor=Field(
            f"{name}-anchor",
            "Date",
            "select",
            simple["anchor"] if simple else "today",
            options=tuple(Option(*one) for one in ANCHORS.items()),
        ),
        amount=Field(
            f"{name}-amount",
            "Add",
            "text",
            _amount(simple["amount"]) if simple else "0",
            attributes={"inputmode": "text", "autocomplete": "off", "class": "short", "size": "4"},
        ),
        unit=Field(
            f"{name}-unit",
            "Unit",
            "select",
            (simple["unit"] if simple else None) or "d",
            options=tuple(Option(*one) for one in UNITS.items()),
        ),
        fixed=Field(
            f"{name}-fixed",
            "Date and time" if with_time else "Date",
            "datetime-local" if with_time else "date",
            _local(fixed, zone) if with_time else fixed,
        ),
        written=Field(f"{name}-written", "Written out", "text", text) if how == WRITTEN else None,
        may_be_empty=may_be_empty,
        hint=hint,
        errors=errors,
    )


def _amount(text: str | None) -> str:
    """Return an offset without a plus, and with the sign that readers know for minus."""
    return (text or "0").removeprefix("+").replace("-", "\u2212")


def _moment(text: str, zone: str) -> str:
    """Return a local time with the offset that it has in the schedule's zone."""
    try:
        local = datetime.fromisoformat(text)
    except ValueError:
        return text
    return local.replace(tzinfo=ZoneInfo(zone)).isoformat() if local.tzinfo is None else text


def _local(text: str, zone: str) -> str:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    local = moment.astimezone(ZoneInfo(zone)) if moment.tzinfo else moment
    return local.strftime("%Y-%m-%dT%H:%M")


def _text(sent: Mapping[str, Any], name: str) -> str:
    value = sent.get(name, "")
    return value.strip() if isinstance(value, str) else ""
