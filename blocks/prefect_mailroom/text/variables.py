"""The closed set of `{name}` and `{name:format}` in subjects, paths and file names.

There is no attribute access, no index, no conversion and no nesting, so a template can say nothing but what stands
in `KNOWN` and the report parameters given as `param_<name>`. Nothing here imports Prefect.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from datetime import date, datetime, time
from pathlib import PurePosixPath
from string import Formatter
from typing import Literal

from prefect_mailroom.errors import ConfigurationError
from prefect_mailroom.text.filenames import clean_line, is_hostile, safe_filename, safe_relative_path

Value = str | int | date | datetime | time
Kind = Literal["text", "date", "time", "datetime", "any"]

KNOWN: dict[str, Kind] = {
    "date": "date",
    "due": "datetime",
    "execution_id": "text",
    "ext": "text",
    "file_name": "text",
    "format": "text",
    "report_name": "text",
    "report_slug": "text",
    "schedule_name": "text",
    "time": "time",
    "window_from": "date",
    "window_to": "date",
}
PARAMETER_PREFIX = "param_"
MAX_TEMPLATE = 500
MAX_RESULT = 1000

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_DATE_DIRECTIVES = "aAbBdGjmuUVWyY"
_TIME_DIRECTIVES = "HIMpSzZ"
_NUMBER_FORMAT = re.compile(r"(0?[1-9][0-9]?)?,?d?")
_DEFAULT_FORMATS: dict[Kind, str] = {"date": "%Y-%m-%d", "time": "%H:%M", "datetime": "%Y-%m-%d %H:%M"}


def values(
    *,
    report_name: str,
    report_slug: str,
    schedule_name: str,
    due: datetime,
    execution_id: str,
    window_from: date | None = None,
    window_to: date | None = None,
    parameters: Mapping[str, Value] | None = None,
) -> dict[str, Value]:
    """What a delivery's templates may use. `due` is in the schedule's zone: its date and time are the reader's.

    `ext`, `format` and `file_name` are added file by file (`for_file`).
    """
    found: dict[str, Value] = {
        "report_name": report_name,
        "report_slug": report_slug,
        "schedule_name": schedule_name,
        "date": due.date(),
        "time": due.time().replace(tzinfo=due.tzinfo),
        "due": due,
        "execution_id": execution_id,
    }
    if window_from is not None:
        found["window_from"] = window_from
    if window_to is not None:
        found["window_to"] = window_to
    found.update({f"{PARAMETER_PREFIX}{name}": value for name, value in (parameters or {}).items()})
    return found


def for_file(given: Mapping[str, Value], filename: str) -> dict[str, Value]:
    """The values with what depends on the file: `ext` and `format` (without the dot) and `file_name`."""
    extension = PurePosixPath(filename).suffix.removeprefix(".").lower()
    return {**given, "ext": extension, "format": extension, "file_name": filename}


def validate(template: str, *, extra: Collection[str] = (), field: str = "template") -> str:
    """The template itself, when it can be expanded.

    Args:
        extra: names allowed beyond `KNOWN`, such as `param_region`.

    Raises:
        ConfigurationError: an unknown name (the known ones are listed), a format its kind does not have, an
            unmatched brace, attribute or index access, a control character, or more than 500 characters.
    """
    for literal, name, spec in _parts(template, field):
        if any(is_hostile(character) for character in literal + spec):
            raise ConfigurationError(
                "The template holds a line break, control or direction-changing character.",
                remedy="Type it again as one line of plain text.",
                field=field,
            )
        if not name:
            continue
        if name not in KNOWN and name not in extra:
            known = ", ".join(sorted({*KNOWN, *extra}))
            raise ConfigurationError(f"There is no variable '{{{name}}}'.", remedy=f"Known are: {known}.", field=field)
        _check_format(name, spec, KNOWN.get(name, "any"), field)
    return template


def expand(template: str, given: Mapping[str, Value], *, field: str = "template") -> str:
    """The template with its values, as one line without control characters.

    Raises:
        ConfigurationError: as `validate`, or a variable that has no value here, or a result over 1,000 characters.
    """
    return _expand(template, given, field, as_name=False)


def expand_path(template: str, given: Mapping[str, Value], *, field: str = "path") -> PurePosixPath:
    """The template as a relative path. A value never makes a folder or climbs: its slashes become dashes.

    Raises:
        ConfigurationError: as `expand` and `safe_relative_path`.
    """
    return safe_relative_path(_expand(template, given, field, as_name=True), field=field)


def parameter_names(template: str, *, field: str = "template") -> list[str]:
    """The names `param_<name>` that a template uses; whether the report has them is known to its schedule."""
    return [name for _, name, _ in _parts(template, field) if name.startswith(PARAMETER_PREFIX)]


def skeleton(template: str, stand_ins: Mapping[str, str]) -> str:
    """The template's own text with a stand-in for each variable, to see what the text alone would do."""
    return "".join(literal + (stand_ins[name] if name else "") for literal, name, _ in _parts(template, "template"))


def _expand(template: str, given: Mapping[str, Value], field: str, *, as_name: bool) -> str:
    validate(template, extra=given.keys(), field=field)
    pieces: list[str] = []
    for literal, name, spec in _parts(template, field):
        pieces.append(literal)
        if not name:
            continue
        if name not in given:
            raise ConfigurationError(
                f"'{{{name}}}' has no value for this report.", remedy=f"Leave '{{{name}}}' out.", field=field
            )
        text = clean_line(_format(name, given[name], spec, field))
        if as_name and not isinstance(given[name], date | int):
            text = safe_filename(text, max_bytes=150)
        elif as_name:
            text = text.replace(":", "-")
        pieces.append(text)
    result = "".join(pieces)
    if len(result) > MAX_RESULT:
        raise ConfigurationError(
            f"The text is {len(result):,} characters with its values; the limit is {MAX_RESULT:,}.",
            remedy="Use fewer or shorter variables.",
            field=field,
        )
    return result


def _parts(template: str, field: str) -> Iterator[tuple[str, str, str]]:
    """Literal text, the name that follows it ('' at the end), its format ('' for the default)."""
    if len(template) > MAX_TEMPLATE:
        raise ConfigurationError(
            f"The template is {len(template):,} characters long; the limit is {MAX_TEMPLATE}.",
            remedy="Shorten it.",
            field=field,
        )
    remedy = "Write {name} or {name:format}; write a brace itself as {{ or }}."
    try:
        parsed = list(Formatter().parse(template))
    except ValueError as error:
        raise ConfigurationError(f"The template cannot be read: {error}.", remedy=remedy, field=field) from error
    for literal, name, spec, conversion in parsed:
        if name is not None and (not _NAME.fullmatch(name) or conversion or "{" in (spec or "")):
            raise ConfigurationError(
                f"'{{{name[:60]}}}' is not a plain variable: no attribute, index, conversion or nesting exists.",
                remedy=remedy,
                field=field,
            )
        yield literal, name or "", spec or ""


def _check_format(name: str, spec: str, kind: Kind, field: str) -> None:
    if not spec:
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
            f"'{{{name}:{spec[:60]}}}' has a format that cannot be used.",
            remedy=f"'{name}' takes {allowed}.",
            field=field,
        )


def _format(name: str, value: Value, spec: str, field: str) -> str:
    if isinstance(value, bool | str):
        kind: Kind = "text"
    elif isinstance(value, int):
        if not _NUMBER_FORMAT.fullmatch(spec):
            raise ConfigurationError(
                f"'{{{name}:{spec}}}' has a format that a number does not take.",
                remedy="Numbers take a width, as in 03d, or a comma.",
                field=field,
            )
        return format(value, spec)
    elif isinstance(value, datetime):
        kind = "datetime"
    else:
        kind = "date" if isinstance(value, date) else "time"
    _check_format(name, spec, kind, field)
    return str(value) if isinstance(value, str | bool) else value.strftime(spec or _DEFAULT_FORMATS[kind])
