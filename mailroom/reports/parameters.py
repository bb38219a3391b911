"""A report's parameters: their JSON Schema is checked, values are checked against it, relative dates are resolved.

A parameter is one value: a string, an integer, a number or a boolean. Choices are `enum`, or `oneOf` with `const` and
`title` where a choice has a name for people. `format: date` and `format: date-time` take the relative dates of
`dates.py` as well; a date-time then means the start of that day in the schedule's zone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from difflib import get_close_matches
from typing import Any, cast

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import SchemaError, ValidationError
from referencing import Registry

from mailroom.reports import dates
from mailroom.reports.patterns import SchemaValidator, fault_of
from prefect_mailroom.errors import ConfigurationError

_NAME = re.compile(r"[a-z][a-z0-9_]{0,59}")
_TYPES = {"string", "integer", "number", "boolean"}
_DATE_FORMATS = {"date", "date-time"}
# No occurrence exists when a schedule is saved; any due time serves to see whether an expression has a meaning.
_SAMPLE_DUE = datetime(2024, 2, 29, 12, tzinfo=UTC)

_LIMITS = {
    "minimum": "at least",
    "maximum": "at most",
    "exclusiveMinimum": "more than",
    "exclusiveMaximum": "less than",
    "multipleOf": "a multiple of",
    "minLength": "of this many characters or more:",
    "maxLength": "of this many characters or fewer:",
    "pattern": "that matches",
    "format": "in the format",
}

_NO_PATTERN = "Patterns have the syntax of RE2: no look-around, no back references, at most 1000 repetitions."

_formats = FormatChecker()


@_formats.checks("date-time", raises=ValueError)
def _is_moment(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault. `field` is the parameter's name; `at` is the path inside the schema, for faults of a schema."""

    field: str
    message: str
    at: tuple[str | int, ...] = ()


class ParametersInvalid(ConfigurationError):
    """Some parameters, or their schema, are wrong; `problems` has them all."""

    def __init__(self, problems: list[Problem], *, remedy: str = "") -> None:
        super().__init__(
            " ".join(f"{problem.field}: {problem.message}" for problem in problems),
            remedy=remedy,
            field=problems[0].field,
        )
        self.problems = problems


def check_schema(schema: Mapping[str, Any]) -> None:
    """Check a report's parameters schema, with its defaults.

    Raises:
        ParametersInvalid: with every fault and where in the schema it lies.
    """
    problems = list(_schema_problems(schema))
    if not problems:
        problems = [
            Problem(problem.field, f"the default {problem.message}", ("properties", problem.field, "default"))
            for problem in _value_problems(schema, _defaults(schema))
            if problem.field in _defaults(schema)
        ]
    if problems:
        raise ParametersInvalid(problems, remedy="Write the parameters as a JSON Schema (2020-12) of type object.")


def check_parameters(schema: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    """Check values when a schedule is saved; relative dates may stand for dates.

    Raises:
        ParametersInvalid: naming each wrong field and what is allowed there.
    """
    if problems := list(_value_problems(schema, with_defaults(schema, values))):
        raise ParametersInvalid(problems)


def with_defaults(schema: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a schedule, with the report's defaults where it says nothing."""
    return {**_defaults(schema), **values}


def resolve_parameters(
    schema: Mapping[str, Any], values: Mapping[str, Any], due_at: datetime, timezone: str
) -> dict[str, Any]:
    """Return the final values of an occurrence: defaults filled in, relative dates resolved, checked.

    Every parameter of the schema is in the answer, None where it is optional and not given. Dates are ISO texts.

    Raises:
        ParametersInvalid: as `check_parameters`.
    """
    given = with_defaults(schema, values)
    if problems := list(_value_problems(schema, given, due_at, timezone)):
        raise ParametersInvalid(problems)
    properties = schema.get("properties", {})
    return {name: _resolved(properties[name], given.get(name), due_at, timezone) for name in properties}


def choices(prop: Mapping[str, Any]) -> list[tuple[Any, str]]:
    """Return the values that a property may take, each with its title, or [] where any value of its type will do."""
    if "oneOf" in prop:
        return [(option["const"], str(option.get("title", option["const"]))) for option in prop["oneOf"]]
    return [(value, str(value)) for value in prop.get("enum", [])]


def _defaults(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {name: prop["default"] for name, prop in schema.get("properties", {}).items() if "default" in prop}


def _schema_problems(schema: Mapping[str, Any]) -> Iterator[Problem]:
    try:
        # Without formats: it would read patterns by Python's syntax, which is not the one that they are matched by.
        Draft202012Validator.check_schema(schema, format_checker=FormatChecker(()))
    except SchemaError as error:
        path = tuple(error.absolute_path)
        yield Problem(_named(path), f"the schema is wrong: {_short(error.message)}", path)
        return
    if schema.get("type") != "object":
        yield Problem("parameters", "the schema needs 'type: object'.", ("type",))
    for path, value in _keywords(schema, {"$ref", "$dynamicRef", "pattern", "patternProperties"}, ()):
        if path[-1] == "patternProperties":
            yield Problem(_named(path), "patternProperties are not read: each parameter has a name of its own.", path)
        elif path[-1] == "pattern":
            if why := fault_of(value):
                yield Problem(_named(path), f"the pattern cannot be used: {why}. {_NO_PATTERN}", path)
        else:
            yield Problem(_named(path), "references to other schemas ($ref) are not followed; write it out.", path)
    properties = schema.get("properties", {})
    for name in schema.get("required", []):
        if name not in properties:
            yield Problem(name, "is required, but is not among the properties.", ("required",))
    for name, prop in properties.items():
        yield from _property_problems(name, prop)


def _property_problems(name: str, prop: Any) -> Iterator[Problem]:
    at: tuple[str | int, ...] = ("properties", name)
    if not _NAME.fullmatch(name):
        yield Problem(
            name, ("is not a valid name: use at most 60 lower-case letters, digits and _, and begin with a letter."), at
        )
    if not isinstance(prop, dict):
        yield Problem(name, "needs a schema with a type.", at)
        return
    kinds = prop.get("type")
    kinds = kinds if isinstance(kinds, list) else [kinds]
    if not set(kinds) - {"null"} or not set(kinds) <= _TYPES | {"null"}:
        yield Problem(name, f"needs 'type': one of {', '.join(sorted(_TYPES))} (a parameter is one value).", at)
    for index, option in enumerate(prop.get("oneOf", [])):
        if not isinstance(option, dict) or "const" not in option:
            yield Problem(name, "each choice of oneOf needs a const (and a title).", (*at, "oneOf", index))


def _keywords(node: Any, names: set[str], path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Yield where in a schema one of these keywords stands, and its value. A parameter may be named like a keyword."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key in names and (isinstance(value, str) or key == "patternProperties"):
                yield (*path, key), value
            else:
                yield from _keywords(value, names, (*path, key))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from _keywords(value, names, (*path, index))


def _value_problems(
    schema: Mapping[str, Any], values: Mapping[str, Any], due_at: datetime = _SAMPLE_DUE, timezone: str = "UTC"
) -> Iterator[Problem]:
    properties = schema.get("properties", {})
    resolved: dict[str, Any] = {}
    for name, value in values.items():
        if name not in properties:
            near = get_close_matches(name, properties, n=1)
            known = ", ".join(properties) or "none"
            hint = f"Did you mean '{near[0]}'?" if near else f"The parameters are: {known}."
            yield Problem(name[:60], f"is not a parameter of this report. {hint}")
            continue
        try:
            resolved[name] = _resolved(properties[name], value, due_at, timezone)
        except ConfigurationError as error:
            yield Problem(name, f"{error.message} {error.remedy}")
            resolved[name] = None
            properties = {**properties, name: {}}  # Said already: the schema need not say it again.
    checked = {**schema, "properties": properties}
    validator = SchemaValidator(checked, format_checker=_formats, registry=Registry())
    for fault in validator.iter_errors(resolved):
        yield _explained(fault, properties)


def _resolved(prop: Mapping[str, Any], value: Any, due_at: datetime, timezone: str) -> Any:
    if prop.get("format") not in _DATE_FORMATS or not isinstance(value, str):
        return value
    if prop["format"] == "date":
        return dates.resolve(value, due_at, timezone).isoformat()
    if dates.is_relative(value):
        return dates.resolve_moment(value, due_at, timezone).isoformat()
    return value


def _explained(error: ValidationError, properties: Mapping[str, Any]) -> Problem:
    if error.validator == "required":
        given = cast("dict[str, Any]", error.instance)
        missing = [name for name in cast("list[str]", error.validator_value) if name not in given]
        name = next((name for name in missing if f"'{name}'" in error.message), missing[0])
        return Problem(name, f"is missing. {_allowed(properties.get(name, {}))}".strip())
    if not error.absolute_path:
        return Problem("parameters", f"{_short(error.message)}.")
    field = str(error.absolute_path[0])
    return Problem(field, f"cannot be {_short(repr(error.instance))}. {_allowed(properties.get(field, {}))}")


def _allowed(prop: Mapping[str, Any]) -> str:
    if options := choices(prop):
        return f"Allowed: {', '.join(str(value) for value, _ in options[:30])}{', …' if len(options) > 30 else ''}."
    if prop.get("format") == "date":
        return f"Allowed: a date. {dates.HELP}"
    if prop.get("format") == "date-time":
        return "Allowed: an instant with its offset such as 2026-01-31T09:00:00+01:00, or a relative date."
    kinds = prop.get("type", "any value")
    words = [kinds if isinstance(kinds, str) else " or ".join(kinds)]
    words += [f"{text} {prop[key]}" for key, text in _LIMITS.items() if key in prop]
    return f"Allowed: {', '.join(words)}."


def _named(path: tuple[str | int, ...]) -> str:
    return str(path[1]) if len(path) > 1 and path[0] == "properties" else "parameters"


def _short(text: str) -> str:
    return text if len(text) <= 120 else f"{text[:117]}…"


def as_date(value: str, form: str) -> date | datetime:
    """Return the Python value of a resolved date parameter, for typed databases; `form` is date or date-time."""
    return date.fromisoformat(value) if form == "date" else datetime.fromisoformat(value)
