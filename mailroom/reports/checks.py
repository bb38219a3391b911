"""Check what the types of a definition cannot: SQL, parameters, and the names that sections refer to. Pure.

Used for report folders and for `/api/v1/reports` alike. `at` is the path of the fault inside the definition.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from jinja2 import TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from mailroom.reports import parameters, sql_lint, text_section
from mailroom.reports.placeholders import names_in
from mailroom.reports.spec import HttpSource, KeyFiguresSection, ReportDefinition, ShellSource, SqlSource, TextSection
from prefect_mailroom.errors import MailroomError

At = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of a definition. `line` counts from 1 inside the text that `at` points to."""

    at: At
    message: str
    remedy: str
    line: int = 1
    severity: Literal["error", "warning"] = "error"


def check_definition(definition: ReportDefinition) -> list[Fault]:
    """Return everything that is wrong with a definition, errors and warnings."""
    faults = list(_parameter_faults(definition))
    names = list(_properties(definition))
    match definition.source:
        case SqlSource():
            for found in sql_lint.lint(definition.source.queries, names):
                at = ("source", "queries", found.query)
                faults.append(Fault(at, found.message, found.remedy, found.line, found.severity))
        case HttpSource():
            faults += _http_faults(definition, definition.source, names)
        case ShellSource() if definition.sections:
            remedy = "Remove the sections. The files that the command creates are the report."
            faults.append(Fault(("sections",), "A shell source has no rows to show.", remedy))
    faults += _section_faults(definition, names)
    faults += _window_faults(definition, names)
    faults += _template_faults(definition)
    return faults


def _properties(definition: ReportDefinition) -> dict[str, object]:
    found = definition.parameters.get("properties", {})
    return found if isinstance(found, dict) else {}


def _parameter_faults(definition: ReportDefinition) -> Iterator[Fault]:
    try:
        parameters.check_schema(definition.parameters)
    except parameters.ParametersInvalid as error:
        for problem in error.problems:
            yield Fault(("parameters", *problem.at), f"Parameter {problem.field}: {problem.message}", error.remedy)


def _http_faults(definition: ReportDefinition, source: HttpSource, names: list[str]) -> Iterator[Fault]:
    if not source.path.startswith("/") or source.path.startswith("//") or ".." in source.path.split("/"):
        remedy = "Begin the path with one '/' and do not use '..'. The host is part of the connection."
        yield Fault(("source", "path"), f"'{source.path[:60]}' is not a path within the connection's address.", remedy)
    for key, value in source.query.items():
        for name in names_in(value):
            if name not in names:
                message = f"The query string's '{key}' uses {{{name}}}, which is not a parameter."
                yield Fault(("source", "query", key), message, _declare(name, names))
    if source.content in ("xlsx", "pdf") and not source.pass_on:
        remedy = "Set pass_on: true, or fetch csv or json."
        yield Fault(("source", "content"), f"Rows cannot be read out of {source.content}.", remedy)
    if source.pass_on and [str(form) for form in definition.formats] != [source.content]:
        message = f"The file is passed on unchanged, so its format is {source.content}."
        yield Fault(("formats",), message, f"Write formats: [{source.content}].")


def _section_faults(definition: ReportDefinition, names: list[str]) -> Iterator[Fault]:
    queries = definition.query_names
    for index, section in enumerate(definition.sections):
        at: At = ("sections", index)
        if isinstance(section, TextSection):
            try:
                pieces = text_section.parse(section.text)
            except MailroomError as error:
                yield Fault((*at, "text"), error.message, error.remedy)
                continue
            for name, column in (piece for piece in pieces if not isinstance(piece, str)):
                if name not in (queries if column else names):
                    kind = "query" if column else "parameter"
                    message = f"The text refers to '{name}', which is not a {kind} of this report."
                    yield Fault((*at, "text"), message, _declare(name, list(queries) if column else names))
        elif isinstance(section, KeyFiguresSection):
            columns = [column.name for column in section.columns]
            for figure in section.compare:
                if figure not in columns:
                    message = f"compare uses '{figure}', which is not one of the columns."
                    yield Fault((*at, "compare", figure), message, f"The columns are: {', '.join(columns)}.")


def _window_faults(definition: ReportDefinition, names: list[str]) -> Iterator[Fault]:
    for name in (definition.data_window or "").split(".."):
        if definition.data_window and name not in names:
            message = f"data_window uses '{name}', which is not a parameter."
            yield Fault(("data_window",), message, "Write the name of one parameter, or two names as 'from..to'.")


def _template_faults(definition: ReportDefinition) -> Iterator[Fault]:
    if definition.template is None:
        return
    try:
        ImmutableSandboxedEnvironment(autoescape=True).parse(definition.template)
    except TemplateSyntaxError as error:
        yield Fault(
            ("template",), f"The template cannot be read: {error.message}.", "Correct the Jinja2 syntax.", error.lineno
        )


def _declare(name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, n=1)
    return f"Did you mean '{near[0]}'?" if near else f"Known names are: {', '.join(known) or 'none'}."
