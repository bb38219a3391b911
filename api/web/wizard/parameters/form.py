"""Turn the parameters of a report into fields, and what was sent into parameters. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api.web.fields import build
from api.web.fields.read import value_of
from api.web.fields.said import label_of
from api.web.fields.schema import Property, Schema, properties
from api.web.parts import Field
from api.web.wizard.parameters import dates
from api.web.wizard.parameters.dates import DateField

PREFIX = "parameters"
_DATES = {"date", "date-time"}


def read(schema: Schema, sent: Mapping[str, Any], zone: str) -> dict[str, Any]:
    """Return the parameters that were sent. One that was left empty is left out, so that the report's default holds.

    Args:
        schema: of the report's parameters.
        sent: by their names, nested.
        zone: of the schedule.
    """
    found: dict[str, Any] = {}
    for prop in properties(schema):
        given = sent.get(prop.name)
        if prop.kind in _DATES:
            value: Any = dates.read(
                given if isinstance(given, Mapping) else {}, zone, with_time=prop.kind == "date-time"
            )
        else:
            try:
                value = value_of(prop, given)
            except KeyError:
                continue
        if value is None and not prop.is_nullable:
            continue
        if value == "" and prop.kind == "text" and not prop.is_required and prop.default is None:
            continue  # Nothing was written, which is no text of no letters.
        found[prop.name] = value
    return found


def fields(
    schema: Schema, values: Mapping[str, Any], zone: str, errors: Mapping[str, tuple[str, ...]]
) -> tuple[Field | DateField, ...]:
    """Return a field for each parameter.

    Args:
        values: as `read` returns them, or as they are stored.
        errors: by the name of the field, such as `parameters-region`.
    """
    return tuple(
        _field(prop, values.get(prop.name, prop.default), zone, errors.get(f"{PREFIX}-{prop.name}", ()))
        for prop in properties(schema)
    )


def _field(prop: Property, value: Any, zone: str, errors: tuple[str, ...]) -> Field | DateField:
    name, label = f"{PREFIX}-{prop.name}", label_of(prop)
    hint = str(prop.schema.get("description", ""))
    if prop.kind in _DATES:
        return dates.field_of(
            name,
            label,
            value,
            zone,
            with_time=prop.kind == "date-time",
            may_be_empty=not prop.is_required and prop.default is None,
            hint=hint,
            errors=errors,
        )
    return build.plain_field(prop, value, name, label=label, hint=hint, errors=errors)
