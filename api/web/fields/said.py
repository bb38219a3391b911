"""Say a report's parameters in words: titles instead of names and codes, and dates that move along. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from api.web.fields.build import text_of
from api.web.fields.schema import Property, Schema, properties
from mailroom.reports.dates import is_relative

_PERIODS = ("week", "month", "quarter", "year")
_DAYS = {"today": "The day of the run", "yesterday": "The day before", "tomorrow": "The day after"}
ANCHORS: Mapping[str, str] = {
    **_DAYS,
    **{f"start_of_{period}": f"Start of this {period}" for period in _PERIODS},
    **{f"end_of_{period}": f"End of this {period}" for period in _PERIODS},
    **{f"start_of_last_{period}": f"Start of last {period}" for period in _PERIODS},
    **{f"end_of_last_{period}": f"End of last {period}" for period in _PERIODS},
}
UNITS: Mapping[str, str] = {"d": "days", "w": "weeks", "m": "months", "y": "years"}
_OFFSET = re.compile(r"([+-])([0-9]{1,5})([dwmy])")
_SPOKEN = re.compile(r"([+\-\u2212])\s*([0-9]{1,5})\s*(day|week|month|year)s?", re.IGNORECASE)
_DATES = {"date", "date-time"}


def label_of(prop: Property) -> str:
    """Return the label of a parameter: its title, else its name in words. No word of ours stands for it."""
    return str(prop.schema.get("title") or _words(prop.name))


def parameter_lines(schema: Schema, parameters: Mapping[str, Any]) -> list[str]:
    """Return parameters, a line each, such as "Airport: Newark Liberty"; one that the report has no more as well."""
    known = {prop.name: prop for prop in properties(schema)}
    return [
        f"{label_of(known[name]) if name in known else _words(name)}: {value_words(value, known.get(name))}"
        for name, value in parameters.items()
    ]


def value_words(value: Any, prop: Property | None = None) -> str:
    """Return a value of JSON as a person writes it; of a choice, its title."""
    if prop is not None:
        titles = [title for choice, title in prop.choices if type(choice) is type(value) and choice == value]
        if titles:
            return titles[0]
        if prop.kind in _DATES and isinstance(value, str):
            return date_words(value)
    match value:
        case None:
            return "–"
        case bool():
            return "yes" if value else "no"
        case list() | tuple():
            return ", ".join(value_words(one, _item_of(prop)) for one in value) or "–"
        case dict():
            return ", ".join(f"{key} {value_words(one)}" for key, one in value.items()) or "–"
        case _:
            return text_of(value)


def date_words(text: str) -> str:
    """Return a date in words: "1 day before the start of last month", or "30 Nov 2026"; others as they are."""
    if not is_relative(text):
        return _fixed(text)
    anchor, offsets = _parts(text)
    said = ANCHORS[anchor]
    said = f"{said[:1].lower()}{said[1:]}"
    if not offsets:
        return said
    said = said if said.startswith("the ") else f"the {said}"
    for sign, number, unit in offsets:
        said = f"{_span(number, unit)} {'before' if sign == '-' else 'after'} {said}"
    return said


def spoken(text: str) -> str:
    """Return a date that moves along as people may type it, such as "start of last month - 1 day"."""
    if not is_relative(text):
        return text
    anchor, offsets = _parts(text)
    return " ".join([anchor.replace("_", " "), *(f"{sign} {_span(number, unit)}" for sign, number, unit in offsets)])


def unspoken(text: str) -> str:
    """Return what `spoken` was made of; whatever cannot be read so stays as it was typed."""
    short = _SPOKEN.sub(lambda found: f"{found[1]}{found[2]}{found[3][0].lower()}".replace("\u2212", "-"), text.strip())
    found = re.sub(r"\s+", "_", re.sub(r"\s*([+-])\s*", r"\1", short)).lower()
    return found if is_relative(found) else text


def _parts(text: str) -> tuple[str, Sequence[tuple[str, int, str]]]:
    anchor = re.split(r"[+-]", text, maxsplit=1)[0]
    offsets = [(sign, int(number), unit) for sign, number, unit in _OFFSET.findall(text)]
    return anchor.replace("_last_full_", "_last_"), offsets


def _span(number: int, unit: str) -> str:
    words = UNITS[unit]
    return f"{number:,} {words.removesuffix('s') if number == 1 else words}"


def _fixed(text: str) -> str:
    try:
        if len(text) == len("2026-11-30"):
            day = date.fromisoformat(text)
            return f"{day.day} {day:%b %Y}"
        at = datetime.fromisoformat(text)
    except ValueError:
        return text
    return f"{at.day} {at:%b %Y, %H:%M}"


def _item_of(prop: Property | None) -> Property | None:
    """Return the items of a list as a property of their own; None where nothing is known of them."""
    items = prop.schema.get("items") if prop is not None else None
    return properties({"properties": {"item": items}})[0] if isinstance(items, Mapping) else None


def _words(name: str) -> str:
    return name.replace("_", " ").capitalize()
