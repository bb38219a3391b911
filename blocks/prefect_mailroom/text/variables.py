"""The closed set of `{name}` and `{name:format}` in subjects, paths, file names and texts.

There is no attribute access, no index, no conversion and no nesting, so a template can say nothing but what stands
in `KNOWN` and the report parameters given as `param_<name>`. Nothing here imports Prefect.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import PurePosixPath
from string import Formatter

from prefect_mailroom.errors import ConfigurationError
from prefect_mailroom.text.filenames import clean_line, is_hostile, safe_filename, safe_relative_path
from prefect_mailroom.text.formats import Kind, Value, check_format, formatted

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
FILE_NAMES = frozenset({"ext", "file_name", "format"})
"""Variables that only a template for each file has a value for."""
WINDOW_NAMES = frozenset({"window_from", "window_to"})
"""Variables that only a report with a data window has a value for."""
PARAMETER_PREFIX = "param_"
MAX_TEMPLATE = 500
MAX_RESULT = 1000
MAX_PROSE = 10_000

_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class _Shape:
    """The limits of a kind of template, in characters."""

    max_template: int
    max_result: int
    remedy: str
    is_prose: bool = False

    def refuses(self, text: str) -> bool:
        """Tell whether the template's own text holds a character that has no place in it."""
        if not self.is_prose:
            return any(is_hostile(character) for character in text)
        # Marks of direction belong to prose in Arabic and Hebrew.
        breaks = text.replace("\r\n", "\n").translate({ord("\n"): None, ord("\t"): None})
        return any(unicodedata.category(character) in {"Cc", "Cs"} for character in breaks)


_LINE = _Shape(MAX_TEMPLATE, MAX_RESULT, "Type the text again as one line of plain text.")
_PROSE = _Shape(MAX_PROSE, 2 * MAX_PROSE, "Type the text again as plain text.", is_prose=True)


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
    """Return the values that a delivery's templates may use; `for_file` adds `ext`, `format` and `file_name`.

    Args:
        due: in the schedule's zone, since its date and time are the reader's.
    """
    given: dict[str, Value] = {
        "report_name": report_name,
        "report_slug": report_slug,
        "schedule_name": schedule_name,
        "date": due.date(),
        "time": due.time().replace(tzinfo=due.tzinfo),
        "due": due,
        "execution_id": execution_id,
    }
    if window_from is not None:
        given["window_from"] = window_from
    if window_to is not None:
        given["window_to"] = window_to
    given.update({f"{PARAMETER_PREFIX}{name}": value for name, value in (parameters or {}).items()})
    return given


def for_file(given: Mapping[str, Value], filename: str) -> dict[str, Value]:
    """Return the values with those that depend on the file: `ext` and `format` (without the dot) and `file_name`."""
    extension = PurePosixPath(filename).suffix.removeprefix(".").lower()
    return {**given, "ext": extension, "format": extension, "file_name": filename}


def validate(template: str, *, extra: Collection[str] = (), field: str = "template") -> str:
    """Return the template itself, if it can be expanded to one line.

    Args:
        extra: names allowed beyond `KNOWN`, such as `param_region`.

    Raises:
        ConfigurationError: an unknown name (the known ones are listed), a format its kind does not have, an
            unmatched brace, attribute or index access, a control character, or more than 500 characters.
    """
    return _validate(template, extra, field, _LINE)


def validate_prose(template: str, *, extra: Collection[str] = (), field: str = "template") -> str:
    """Return the template itself, if it can be expanded to a text of several lines, of at most 10,000 characters.

    Raises:
        ConfigurationError: as `validate`, except that line breaks, tabs and marks of direction are allowed.
    """
    return _validate(template, extra, field, _PROSE)


def check_values(template: str, kinds: Mapping[str, Kind], *, field: str = "template") -> None:
    """Refuse a template that values of these kinds could not expand, before there are any values.

    Args:
        kinds: the kind of each variable that will have a value.

    Raises:
        ConfigurationError: a variable without a value, or a format that its kind does not take.
    """
    for _, name, spec in _parts(template, field, MAX_PROSE):
        if name and name not in kinds:
            raise _without_value(name, field)
        if name:
            check_format(name, spec, kinds[name], field)


def _without_value(name: str, field: str) -> ConfigurationError:
    message = f"'{{{name}}}' has no value here."
    return ConfigurationError(message, remedy=f"Remove '{{{name}}}' from the text.", field=field)


def expand(template: str, given: Mapping[str, Value], *, field: str = "template") -> str:
    """Return the template with its values, as one line without control characters.

    Raises:
        ConfigurationError: as `validate`, or a variable that has no value here, or a result over 1,000 characters.
    """
    return _expand(template, given, field, _LINE)


def expand_prose(template: str, given: Mapping[str, Value], *, field: str = "template") -> str:
    """Return a text of several lines with its values, each of which is one line. Nothing is escaped.

    Raises:
        ConfigurationError: as `validate_prose`, a variable without a value, or a result over 20,000 characters.
    """
    return _expand(template, given, field, _PROSE)


def expand_path(template: str, given: Mapping[str, Value], *, field: str = "path") -> PurePosixPath:
    """Return the template as a relative path. A value never adds a folder or climbs: its slashes become dashes.

    Raises:
        ConfigurationError: as `expand` and `safe_relative_path`.
    """
    return safe_relative_path(_expand(template, given, field, _LINE, as_name=True), field=field)


def parameter_names(template: str, *, field: str = "template") -> list[str]:
    """Return the names `param_<name>` that a template uses; its schedule knows whether the report has them."""
    return [name for _, name, _ in _parts(template, field, MAX_PROSE) if name.startswith(PARAMETER_PREFIX)]


def skeleton(template: str, stand_ins: Mapping[str, str]) -> str:
    """Return the template's own text with a stand-in for each variable, to see what the text alone would do."""
    parts = _parts(template, "template", MAX_TEMPLATE)
    return "".join(literal + (stand_ins[name] if name else "") for literal, name, _ in parts)


def _validate(template: str, extra: Collection[str], field: str, shape: _Shape) -> str:
    for literal, name, spec in _parts(template, field, shape.max_template):
        if shape.refuses(literal) or _LINE.refuses(spec):
            what = (
                "control character"
                if shape.is_prose
                else ("line break, a control character or a character that changes the text direction")
            )
            raise ConfigurationError(f"The template contains a {what}.", remedy=shape.remedy, field=field)
        if not name:
            continue
        if name not in KNOWN and name not in extra:
            known = ", ".join(sorted({*KNOWN, *extra}))
            raise ConfigurationError(
                f"There is no variable '{{{name}}}'.", remedy=f"The variables are: {known}.", field=field
            )
        check_format(name, spec, KNOWN.get(name, "any"), field)
    return template


def _expand(template: str, given: Mapping[str, Value], field: str, shape: _Shape, *, as_name: bool = False) -> str:
    _validate(template, given.keys(), field, shape)
    pieces: list[str] = []
    for literal, name, spec in _parts(template, field, shape.max_template):
        pieces.append(literal)
        if not name:
            continue
        if name not in given:
            raise _without_value(name, field)
        text = clean_line(formatted(name, given[name], spec, field))
        if as_name and not isinstance(given[name], date | int):
            text = safe_filename(text, max_bytes=150)
        elif as_name:
            text = text.replace(":", "-")
        pieces.append(text)
    result = "".join(pieces)
    if len(result) > shape.max_result:
        raise ConfigurationError(
            f"The text is {len(result):,} characters with its values; the limit is {shape.max_result:,}.",
            remedy="Use fewer or shorter variables.",
            field=field,
        )
    return result


def _parts(template: str, field: str, limit: int) -> Iterator[tuple[str, str, str]]:
    """Yield literal text, the name that follows it ('' at the end), and its format ('' for the default)."""
    if len(template) > limit:
        raise ConfigurationError(
            f"The template is {len(template):,} characters long; the limit is {limit:,}.",
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
                (
                    f"'{{{name[:60]}}}' is not a plain variable. Attributes, indexes, conversions and nesting "
                    "are not supported."
                ),
                remedy=remedy,
                field=field,
            )
        yield literal, name or "", spec or ""
