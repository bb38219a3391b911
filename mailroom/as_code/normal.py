"""Bring what a document says and what is stored into one form, without defaults, so that both can be compared. Pure."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import to_jsonable_python

from mailroom.as_code.secrets import places as secret_places
from mailroom.as_code.spec import (
    CalendarDocument,
    ConnectionDocument,
    Document,
    ReportDocument,
    ScheduleDocument,
    TeamDocument,
)
from mailroom.connections.kinds import block_type
from mailroom.errors import Invalid
from mailroom.reports.spec import ReportDefinition
from mailroom.schedules.calendar_changes import CalendarSettings
from mailroom.schedules.spec import ScheduleSpec
from prefect_mailroom.channels.registry import destination
from prefect_mailroom.errors import ConfigurationError

Normal = dict[str, Any]


def of_document(document: Document) -> Normal:
    """Return the `spec` of a document without what it leaves at the default."""
    match document:
        case TeamDocument():
            return {"name": document.spec.name}
        case CalendarDocument():
            return of_calendar(document.spec)
        case ConnectionDocument():
            return of_connection(document.spec.kind, document.spec.description, document.spec.settings)
        case ReportDocument():
            return of_report(document.spec)
        case ScheduleDocument():
            return of_schedule(document.spec)


def of_calendar(settings: CalendarSettings) -> Normal:
    """Return a calendar, its title first."""
    return {"title": settings.title, **settings.model_dump(mode="json", exclude_defaults=True)}


def of_report(definition: ReportDefinition) -> Normal:
    """Return a report without its id, which is the name of the document."""
    return definition.model_dump(mode="json", exclude_defaults=True, exclude={"id"})


def of_schedule(spec: ScheduleSpec) -> Normal:
    """Return a schedule, with each destination as its channel understands it."""
    found = spec.model_dump(mode="json", exclude_defaults=True)
    timing = found["timing"]
    # The default is the zone of whoever saves it, so it is always written; the frequency reads best at the top.
    first = {"frequency": spec.timing.frequency}
    found["timing"] = {**first, **{key: value for key, value in timing.items() if key not in first}}
    found["timing"]["timezone"] = spec.timing.timezone
    found["destinations"] = [_destination(one) for one in spec.destinations]
    return found


def _destination(data: Mapping[str, Any]) -> Normal:
    try:
        target = destination(data)
    except (ConfigurationError, ValidationError):
        return dict(data)  # Stored by an earlier version, which took it.
    shown = target.model_dump(mode="json", exclude_defaults=True)
    return {"channel": target.channel, "connection": target.connection, **shown}


def of_connection(kind: str, description: str, settings: Mapping[str, Any]) -> Normal:
    """Return a connection; each secret that is set, or referred to, is `{secret: true}`."""
    told = {"description": description} if description else {}
    shown = secret_places.as_stored(settings)
    with contextlib.suppress(Invalid):  # A kind that is not installed here: its defaults are not known.
        shown = without_defaults(block_type(kind), shown)
    return {"kind": kind, **told, "settings": shown}


def without_defaults(model: type[BaseModel], data: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings without those that are at the default, below blocks within the block too.

    An empty secret is as good as none.
    """
    found: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        if name not in data:
            continue
        value = data[name]
        inner = next((one for one in (field.annotation, *get_args(field.annotation)) if _is_model(one)), None)
        if inner is not None and isinstance(value, Mapping):
            value = without_defaults(inner, value)
        default = None if field.is_required() else field.get_default(call_default_factory=True)
        plain = to_jsonable_python(default, fallback=str)
        if isinstance(default, BaseModel):
            plain = without_defaults(type(default), default.model_dump(mode="json"))
        if not field.is_required() and (value == plain or (value in (None, "") and _is_empty(default))):
            continue
        found[name] = value
    # What the kind does not have is kept, so that it is refused by name.
    return found | {name: value for name, value in data.items() if name not in model.model_fields}


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _is_empty(value: Any) -> bool:
    if hasattr(value, "get_secret_value"):
        value = value.get_secret_value()
    return value in (None, "", {})


def differences(before: Any, after: Any, place: str = "") -> dict[str, tuple[Any, Any]]:
    """Return before and after of each dotted place that differs; a list differs as a whole, unless it is as long."""
    if isinstance(before, Mapping) and isinstance(after, Mapping) and not _marks(before, after):
        found: dict[str, tuple[Any, Any]] = {}
        for key in [*after, *(key for key in before if key not in after)]:
            found |= differences(before.get(key), after.get(key), f"{place}.{key}" if place else str(key))
        return found
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        pairs = enumerate(zip(before, after, strict=True))
        return {
            key: value
            for index, (old, new) in pairs
            for key, value in differences(old, new, f"{place}.{index}").items()
        }
    return {} if before == after else {place: (before, after)}


def _marks(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    return secret_places.is_reference(before) or secret_places.is_reference(after)
