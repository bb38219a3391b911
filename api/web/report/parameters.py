"""Make the fields of a report's parameters to try, and read what was chosen. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from api.web.fields import read
from api.web.fields.build import FieldGroup, build
from api.web.fields.said import label_of, spoken, unspoken
from api.web.fields.schema import Property, Schema, properties
from api.web.parts import Field

PREFIX = "parameters"
QUERY = "param."
"""What a parameter is called in an address, as in `?param.region=EMEA`."""
_DATE = "A day such as 2026-11-30, or one that moves along, such as “start of last month” or “today - 1 day”."


def group(
    schema: Mapping[str, Any], values: Mapping[str, Any], errors: Mapping[str, Sequence[str]] | None = None
) -> FieldGroup:
    """Return the fields of the parameters; a date may also be written in words."""
    known = {f"{PREFIX}-{one.name}": one for one in properties(schema)}
    found = build(schema, values, prefix=PREFIX, errors=errors)
    return _with_dates_as_text(replace(found, fields=tuple(_titled(one, known.get(one.name)) for one in found.fields)))


def values(schema: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of what a form or an address says."""
    return read.data(schema, given)


def understood(schema: Schema, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a form says, with the dates that move along as a report's parameters have them."""
    dates = {one.name for one in properties(schema) if one.kind == "date"}
    return {
        name: unspoken(value) if name in dates and isinstance(value, str) else value for name, value in given.items()
    }


def of_query(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Return what an address says of the parameters; of one that is named more than once, all its values."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name.startswith(QUERY):
            key = name.removeprefix(QUERY)
            found[key] = value if key not in found else [*_listed(found[key]), value]
    return found


def as_query(given: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what a form says of the parameters as it stands in an address."""
    return [(f"{QUERY}{name}", one) for name, value in given.items() for one in _listed(value) if isinstance(one, str)]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _with_dates_as_text(found: FieldGroup) -> FieldGroup:
    return replace(
        found,
        fields=tuple(_dated(one) for one in found.fields),
        groups=tuple(_with_dates_as_text(one) for one in found.groups),
    )


def _titled(field: Field, prop: Property | None) -> Field:
    """Return a field with the words of its report: those of settings with the same name are not meant."""
    if prop is None:
        return field
    return replace(field, label=label_of(prop), hint=str(prop.schema.get("description", "")))


def _dated(field: Field) -> Field:
    if field.control != "date":
        return field
    hint = f"{field.hint} {_DATE}".strip()
    attributes = {"autocomplete": "off", "spellcheck": "false"}
    return replace(field, control="text", value=spoken(str(field.value)), hint=hint, attributes=attributes)
