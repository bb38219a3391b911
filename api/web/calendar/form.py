"""Make the form of a calendar, and read what it sent. Pure."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from babel import Locale

from api.actions.calendars.views import CalendarDetail
from api.web import refusals
from api.web.forms import Form
from api.web.parts import Field, FormFault, Option
from mailroom.calendars.spec import countries
from mailroom.errors import Fault
from mailroom.timing.model import WEEKDAYS

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_SEPARATORS = re.compile(r"[ \t:;,–-]+")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_HOLIDAYS = "One a line: the day, then its name, such as “2026-12-24 Office closed”."
_WORKING = "One a line, such as 2026-12-05: a day that is worked although it is at a weekend or a public holiday."
_ID = "Lower-case letters, digits and hyphens. Schedules refer to it, so it cannot be changed later."
STARTS: Mapping[str, dict[str, Any]] = {
    "weekdays": {"title": "Monday to Friday", "id": "monday-to-friday", "weekend": ["sat", "sun"]},
    "country": {"title": "", "id": "", "weekend": ["sat", "sun"]},
    "every-day": {"title": "Every day", "id": "every-day", "weekend": []},
}


@dataclass(frozen=True, slots=True)
class CalendarForm:
    """The form of a calendar; `id` is None where it has one already."""

    id: Field | None
    title: Field
    place: Field
    weekend: Field
    holidays: Field
    working_days: Field
    faults: tuple[FormFault, ...] = ()
    etag: str = ""


def values_of(found: CalendarDetail) -> dict[str, Any]:
    """Return a stored calendar as the form has it."""
    return {
        "title": found.title,
        "place": f"{found.country}-{found.subdivision}" if found.subdivision else found.country or "",
        "weekend": list(found.weekend),
        "holidays": "\n".join(f"{one.date.isoformat()} {one.name}" for one in found.holidays),
        "working_days": "\n".join(day.isoformat() for day in found.working_days),
    }


def values_sent(form: Form) -> dict[str, Any]:
    """Return what the form sent, as the form has it."""
    return {
        "id": form.text("id"),
        "title": form.text("title"),
        "place": form.text("place"),
        "weekend": list(form.many("weekend")),
        "holidays": form.raw("holidays").strip(),
        "working_days": form.raw("working_days").strip(),
    }


def body(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the calendar that the form means, as `CalendarSettings` reads it."""
    country, _, subdivision = str(values["place"]).partition("-")
    return {
        "title": values["title"],
        "country": country or None,
        "subdivision": subdivision or None,
        "weekend": values["weekend"],
        "holidays": [_holiday(line) for line in _lines(values["holidays"])],
        "working_days": _lines(values["working_days"]),
    }


def form_of(
    values: Mapping[str, Any], *, faults: Sequence[Fault] = (), etag: str = "", is_new: bool = False
) -> CalendarForm:
    """Return the form with these values; a fault of a line names the line."""
    told = [(_field(fault), _sentence(fault, values)) for fault in faults]
    errors: dict[str, tuple[str, ...]] = {}
    for name, words in told:
        errors[name] = (*errors.get(name, ()), words)

    def field(name: str, label: str, **more: Any) -> Field:
        return Field(name, label, value=values.get(name, ""), errors=errors.get(name, ()), **more)

    days = tuple(Option(day, name) for day, name in zip(WEEKDAYS, _DAYS, strict=True))
    plain = {"autocomplete": "off", "spellcheck": "false"}
    return CalendarForm(
        id=field("id", "Id", hint=_ID, attributes={"maxlength": "80", **plain}) if is_new else None,
        title=field("title", "Name", attributes={"maxlength": "200", "autocomplete": "off"}),
        place=field("place", "Public holidays of", control="select", options=places()),
        weekend=Field(
            "weekend",
            "Days off in each week",
            "checkboxes",
            tuple(values.get("weekend", ())),
            days,
            errors=errors.get("weekend", ()),
        ),
        holidays=field(
            "holidays", "Further days off", control="textarea", hint=_HOLIDAYS, optional=True, attributes=plain
        ),
        working_days=field(
            "working_days",
            "Days that are worked all the same",
            control="textarea",
            hint=_WORKING,
            optional=True,
            attributes=plain,
        ),
        faults=tuple(FormFault(name, words) for name, words in told),
        etag=etag,
    )


@cache
def places() -> tuple[Option, ...]:
    """Return the countries whose holidays are known by name, each with its parts."""
    names = Locale("en").territories
    found = [Option("", "No country: no public holidays")]
    for code in sorted(countries(), key=lambda code: str(names.get(code, code))):
        name = str(names.get(code, code))
        found.append(Option(code, name, group=name))
        found += [Option(f"{code}-{part}", f"{name}: {part}", group=name) for part in countries()[code]]
    return tuple(found)


def place_words(country: str | None, subdivision: str | None) -> str:
    """Return the place whose public holidays count."""
    if country is None:
        return "None"
    name = str(Locale("en").territories.get(country, country))
    return f"{name}, {subdivision}" if subdivision else name


def weekend_words(weekend: Iterable[str]) -> str:
    """Return the days off of each week."""
    named = [name for day, name in zip(WEEKDAYS, _DAYS, strict=True) if day in set(weekend)]
    return ", ".join(named) or "None: every day is worked"


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.split("\n") if line.strip()]


def _holiday(line: str) -> dict[str, str]:
    found = _DATE.match(line)
    day = found[0] if found else line.split(maxsplit=1)[0]
    name = line[len(day) :].strip()
    name = _SEPARATORS.sub("", name, count=1) if name[:1] in ":;,–-" else name
    return {"date": day, "name": name.strip() or "Day off"}


def _field(fault: Fault) -> str:
    name = fault.field.partition(".")[0]
    return {"country": "place", "subdivision": "place", "": "holidays"}.get(name, name)


def _sentence(fault: Fault, values: Mapping[str, Any]) -> str:
    words = refusals.of_fault(fault).sentence
    name, _, rest = fault.field.partition(".")
    number = rest.partition(".")[0]
    if name in {"holidays", "working_days"} and number.isdigit():
        lines = _lines(str(values.get(name, "")))
        at = int(number)
        line = f"“{lines[at][:60]}”" if at < len(lines) else ""
        return f"Line {at + 1} {line}: {words}".replace("  ", " ")
    return words


def today_of(now: dt.datetime, zone: dt.tzinfo) -> dt.date:
    """Return the day that it is for the reader."""
    return now.astimezone(zone).date()
