"""List the variables that texts and paths may have, each with an example. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from mailroom.reports.spec import ReportDefinition
from prefect_mailroom.text.formats import formatted
from prefect_mailroom.text.variables import FILE_NAMES, KNOWN, PARAMETER_PREFIX, WINDOW_NAMES

_USED = re.compile(r"\{([a-z_][a-z0-9_]*)(?::[^{}]*)?\}")
WORDS: Mapping[str, str] = {
    "date": "Day of the run",
    "due": "Day and time of the run",
    "execution_id": "Number of the run",
    "ext": "Ending of the file",
    "file_name": "Name of the file",
    "format": "Format of the file",
    "report_name": "Name of the report",
    "report_slug": "Short name of the report",
    "schedule_name": "Name of the schedule",
    "time": "Time of the run",
    "window_from": "First day of the data",
    "window_to": "Last day of the data",
}


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable as it is written, what it is, and what it would be at the next run."""

    written: str
    words: str
    example: str


def variables(definition: ReportDefinition, values: Mapping[str, Any], *, of_files: bool) -> tuple[Variable, ...]:
    """Return the variables that a text may have.

    Args:
        values: of the next run, by name.
        of_files: whether those of a file are among them.
    """
    names = [*WORDS, *parameter_names(definition)]
    return tuple(
        Variable(f"{{{name}}}", _words(name, definition), _example(name, values[name]))
        for name in names
        if name in values and (of_files or name not in FILE_NAMES)
    )


def parameter_names(definition: ReportDefinition) -> list[str]:
    """Return the variables of a report's parameters."""
    return [f"{PARAMETER_PREFIX}{name}" for name in definition.parameters.get("properties", {})]


def known_names(definition: ReportDefinition, *, of_files: bool) -> list[str]:
    """Return all names that a text may have, also those without a value at every run."""
    has_window = definition.data_window is not None
    fixed = [
        name for name in KNOWN if (of_files or name not in FILE_NAMES) and (has_window or name not in WINDOW_NAMES)
    ]
    return [*fixed, *parameter_names(definition)]


def unknown_words(template: str, known: Sequence[str]) -> list[str]:
    """Return a sentence for each variable that does not exist, with the one that was probably meant."""
    return [_unknown(name, known) for name in _names(template) if name not in known]


def _unknown(name: str, known: Sequence[str]) -> str:
    # `{regoin}` is nearer to `region` than to `param_region`, which is what has to be written.
    short = {one.removeprefix(PARAMETER_PREFIX): one for one in known}
    near = get_close_matches(name.removeprefix(PARAMETER_PREFIX), short, n=1)
    told = f"Did you mean {{{short[near[0]]}}}?" if near else "The list of variables has those that there are."
    return f"{{{name}}} is not known. {told}"


def _names(template: str) -> Iterable[str]:
    return dict.fromkeys(_USED.findall(template.replace("{{", "").replace("}}", "")))


def _words(name: str, definition: ReportDefinition) -> str:
    if name in WORDS:
        return WORDS[name]
    own = name.removeprefix(PARAMETER_PREFIX)
    prop = definition.parameters.get("properties", {}).get(own, {})
    return str(prop.get("title") or own.replace("_", " ").capitalize())


def _example(name: str, value: Any) -> str:
    return formatted(name, value, "", name)
