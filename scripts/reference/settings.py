"""Write docs/reference/settings.md from the settings themselves."""

from __future__ import annotations

import re
import types
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from mailroom.setting_groups.limits import UNLIMITED, RoleLimits
from mailroom.setting_groups.secrets_elsewhere import variable_of
from mailroom.settings import Settings
from scripts.reference.direct_settings import DIRECT
from scripts.reference.markdown import prose, table

_HEAD = """# Settings
This page is made from the code by `make docs`.

Each setting is a variable of the environment, and each is checked at the start: a wrong one stops it, and the message
names the variable and the fault. Nothing has to be set for `mailroom up`. The API, the workers and the renderers of an
installation need the same values.

A secret, and a URL of a database, can come from elsewhere: `VARIABLE_FILE` names a file that holds it, and the value
`env:NAME` another variable. See [Keys](../keys.md). Lists and objects are written as JSON. *Unit* is what a number
counts.
"""
_UNITS = (
    ("_per_second", "a second"),
    ("_seconds", "seconds"),
    ("_minutes", "minutes"),
    ("_hours", "hours"),
    ("_days", "days"),
    ("_mb", "megabytes"),
    ("_rows", "rows"),
    ("_runs", "runs"),
    ("_an_hour", "an hour"),
    ("_failures", "failures in a row"),
)
_TITLES = {
    "Settings": "The installation",
    "SecretSettings": "Secrets, and keys of users",
    "RateSettings": "Rates of requests",
    "LoginSettings": "Log-in, sessions and frames",
    "LinkSettings": "Links in mails",
    "HealthSettings": "When a part counts as broken",
    "RetentionSettings": "How long things are kept",
    "LimitSettings": "Limits of users",
    "AlertSettings": "Alerts",
    "ProductEventSettings": "Product events",
    "IncidentSettings": "Incidents",
    "TellingSettings": "Digests and summaries",
}
_NAMES = {SecretStr: "secret", str: "text", int: "whole number", float: "number", bool: "true or false", Path: "path"}


def page() -> str:
    """Return the whole page."""
    parts = [_HEAD]
    for model in _groups():
        rows = [_row(variable, name, field) for variable, name, field in _fields(model)]
        parts.append(f"## {_title(model)}\n{table(_COLUMNS, rows)}\n")
        if any(issubclass(_inner(field), RoleLimits) for field in model.model_fields.values()):
            parts.append(_roles())
    rows = [[f"`{one.variable}`", one.kind, one.default, "", one.meaning] for one in DIRECT]
    parts.append(f"## What blocks and processes read by themselves\n{_DIRECT_HEAD}\n\n{table(_COLUMNS, rows)}\n")
    return "\n".join(parts)


_COLUMNS = ("Variable", "Type", "Default", "Unit", "Meaning")
_DIRECT_HEAD = (
    "These also hold where the collection `prefect-mailroom` runs without Mailroom, so that each process reads them."
)


def variables() -> set[str]:
    """Return every variable on the page."""
    found = {variable for model in _groups() for variable, _, _ in _fields(model)}
    return found | {one.variable for one in DIRECT}


def without_meaning() -> list[str]:
    """Return the settings that nobody has described."""
    return [
        variable
        for model in _groups()
        for variable, _, field in _fields(model)
        if not (field.description or "").strip()
    ]


def _groups() -> Iterator[type[BaseModel]]:
    """Yield the settings themselves, the classes that they are put together from, and the groups inside."""
    yield Settings
    yield from (base for base in Settings.__mro__[1:] if base.__module__.startswith("mailroom."))
    yield from (inner for field in Settings.model_fields.values() if (inner := _inner(field)) is not BaseModel)


def _title(model: type[BaseModel]) -> str:
    return _TITLES.get(model.__name__) or re.sub(r"(?<!^)(?=[A-Z])", " ", model.__name__.removesuffix("Settings"))


def _fields(model: type[BaseModel]) -> Iterator[tuple[str, str, FieldInfo]]:
    """Yield the variable, name and field of each setting that a class adds itself."""
    prefix = next((n for n, field in Settings.model_fields.items() if _inner(field) is model), "")
    for name, field in model.model_fields.items():
        own = name in model.__annotations__
        if own and _inner(field) is BaseModel:
            yield f"MAILROOM_{prefix}__{name}".upper() if prefix else variable_of(field, name), name, field


def _inner(field: FieldInfo) -> type[BaseModel]:
    """Return the group that a field holds, BaseModel itself where it holds a value."""
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else BaseModel


def _row(variable: str, name: str, field: FieldInfo) -> list[str]:
    kind = _kind(field.annotation, field)
    return [f"`{variable}`", kind, _default(field), _unit(name, kind), prose(field.description or "")]


def _kind(annotation: Any, field: FieldInfo | None = None) -> str:
    origin, inside = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _kind(inside[0], field)
    if origin is Literal:
        return ", ".join(f"`{value}`" if value else "empty" for value in inside)
    if origin in (Union, types.UnionType):
        return _kind(next(one for one in inside if one is not type(None)), field)
    if origin is list:
        return "list, as JSON"
    if origin is dict:
        return "object, as JSON"
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return ", ".join(f"`{one.value}`" for one in annotation)
    return _NAMES.get(annotation, "text" if annotation is None else getattr(annotation, "__name__", "text")) + _bounds(
        field
    )


def _bounds(field: FieldInfo | None) -> str:
    parts = []
    for one in field.metadata if field else ():
        match one:
            case Ge(ge=value):
                parts.append(f"{value:,} or more")
            case Gt(gt=value):
                parts.append(f"above {value:,}")
            case Le(le=value):
                parts.append(f"{value:,} at most")
            case Lt(lt=value):
                parts.append(f"below {value:,}")
    return f", {', '.join(parts)}" if parts else ""


def _default(field: FieldInfo) -> str:
    value = field.default
    if field.default_factory is not None:
        made = field.default_factory is dict or field.default_factory is list
        return "empty" if made else "see its meaning"
    if value is None or value is PydanticUndefined:
        return "unset"
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if value == UNLIMITED:
        return "`unlimited`"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, list):
        return "`" + str(value).replace("'", '"') + "`"
    return f"`{value}`" if str(value) else "empty"


def _unit(name: str, kind: str) -> str:
    if not kind.startswith(("whole number", "number")):
        return ""
    return next((unit for ending, unit in _UNITS if name.endswith(ending)), "")


def _roles() -> str:
    """Say how a limit is set for a role, since the same names repeat for each."""
    names = ", ".join(f"`{name.upper()}`" for name in RoleLimits.model_fields)
    return (
        "A limit of a role begins with `MAILROOM_LIMITS__CREATOR__`, `MAILROOM_LIMITS__ADMIN__` or, for service\n"
        "accounts, `MAILROOM_LIMITS__SERVICE__`, such as `MAILROOM_LIMITS__CREATOR__SCHEDULES=50`. What is not set is\n"
        "as for everybody; for admins and service accounts nothing is counted unless it is set. The names are\n"
        f"{names}: see [Limits](../limits.md).\n"
    )
