"""Make the arguments of a command from their templates. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from string import Formatter

from prefect_mailroom.channels.base import Parcel
from prefect_mailroom.errors import ConfigurationError, Refused
from prefect_mailroom.text import variables
from prefect_mailroom.text.formats import Value

FIELD = "arguments"
_FILE = "file"
_FILES = "{files}"


def check(templates: Sequence[str]) -> None:
    """Refuse templates that cannot be expanded.

    Raises:
        ConfigurationError: see `variables.validate`; or `{files}` is only a part of an argument.
    """
    for template in templates:
        if template == _FILES:
            continue
        extra = [_FILE, *variables.parameter_names(template, field=FIELD)]
        if "files" in _names(template):
            raise ConfigurationError(
                "{files} is an argument of its own: each file becomes one argument.",
                remedy="Write {file} to repeat an argument for each file, as in --upload={file}.",
                field=FIELD,
            )
        variables.validate(template, extra=extra, field=FIELD)


def arguments(templates: Sequence[str], parcel: Parcel, files: Sequence[Path]) -> list[str]:
    """Return the arguments for a parcel: one with a variable of a file is repeated for each file.

    Args:
        files: absolute paths, in the order of the parcel's files.

    Raises:
        ConfigurationError: a variable has no value here.
        Refused: a value would become an option of the program.
    """
    found: list[str] = []
    for written in templates:
        template = "{file}" if written == _FILES else written
        if _names(template) & {_FILE, *variables.FILE_NAMES}:
            for file, path in zip(parcel.files, files, strict=True):
                given = variables.for_file(parcel.variables, file.filename)
                found.append(_expanded(template, {**given, _FILE: str(path)}))
        else:
            found.append(_expanded(template, dict(parcel.variables)))
    return found


def _expanded(template: str, given: dict[str, Value]) -> str:
    result = variables.expand(template, given, field=FIELD)
    if result.startswith("-") and not template.startswith("-"):
        raise Refused(
            f"A value of the argument '{template[:60]}' begins with '-', so the program would take it for an option.",
            remedy="Rename the report, or put fixed text before the variable in the connection's arguments.",
        )
    return result


def _names(template: str) -> set[str]:
    try:
        return {name for _, name, _, _ in Formatter().parse(template) if name}
    except ValueError:
        return set()  # `variables` says what is wrong with it.
