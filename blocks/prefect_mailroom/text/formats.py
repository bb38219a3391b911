"""The formats of variables: which ones each kind of value takes, and the text that comes of them."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from typing import Literal

from prefect_mailroom.errors import ConfigurationError

Value = str | int | date | datetime | time
Kind = Literal["text", "number", "date", "time", "datetime", "any"]

_DATE_DIRECTIVES = "aAbBdGjmuUVWyY"
_TIME_DIRECTIVES = "HIMpSzZ"
_NUMBER_FORMAT = re.compile(r"(0?[1-9][0-9]?)?,?d?")
_DEFAULT_FORMATS: dict[Kind, str] = {"date": "%Y-%m-%d", "time": "%H:%M", "datetime": "%Y-%m-%d %H:%M"}


def check_format(name: str, spec: str, kind: Kind, field: str) -> None:
    """Refuse a format that the variable's kind does not take.

    Raises:
        ConfigurationError: it is none of that kind.
    """
    if not spec:
        return
    if kind == "number":
        if not _NUMBER_FORMAT.fullmatch(spec):
            raise ConfigurationError(
                f"'{{{name}:{spec[:60]}}}' has a format that is not for numbers.",
                remedy="For numbers, use a width such as 03d, or a comma.",
                field=field,
            )
        return
    directives = {"date": _DATE_DIRECTIVES, "time": _TIME_DIRECTIVES, "text": ""}.get(
        kind, _DATE_DIRECTIVES + _TIME_DIRECTIVES
    )
    if kind == "any" and _NUMBER_FORMAT.fullmatch(spec):
        return
    rest = re.sub(f"%[{directives}%]", "", spec) if directives else "%"
    if "%" in rest or "%" not in spec or len(spec) > 40:
        allowed = f"strftime formats of {directives}, e.g. %Y/%m" if directives else "no format"
        raise ConfigurationError(
            f"'{{{name}:{spec[:60]}}}' has a format that is not valid here.",
            remedy=f"'{name}' accepts {allowed}.",
            field=field,
        )


def kind_of(value: Value) -> Kind:
    """Return the kind of a value, which decides the formats that it takes."""
    if isinstance(value, bool | str):
        return "text"
    if isinstance(value, int):
        return "number"
    if isinstance(value, datetime):
        return "datetime"
    return "date" if isinstance(value, date) else "time"


def formatted(name: str, value: Value, spec: str, field: str) -> str:
    """Return the value as text, in its default format where `spec` is empty.

    Raises:
        ConfigurationError: the value does not take this format.
    """
    kind = kind_of(value)
    check_format(name, spec, kind, field)
    if isinstance(value, str | bool):
        return str(value)
    return format(value, spec) if isinstance(value, int) else value.strftime(spec or _DEFAULT_FORMATS[kind])
