"""Read the properties of a JSON Schema as a form needs them: resolved, with one kind each. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from prefect_mailroom.channels.alternatives import ONLY_FOR

Schema = Mapping[str, Any]
Kind = Literal[
    "text",
    "integer",
    "number",
    "boolean",
    "choice",
    "date",
    "date-time",
    "lines",
    "numbers",
    "pairs",
    "object",
    "json",
    "scalar",
]
SHOWN_SECRET = {"secret": True}
"""A secret that is set shows as this, and asks to stay as it is when it is sent back."""


@dataclass(frozen=True, slots=True)
class Property:
    """One property of an object.

    Attributes:
        schema: its own schema, with references followed and without the branch of null.
        is_nullable: whether null is a value of it.
        is_secret: whether its value goes in and never comes out.
        choices: the values that it may take with their titles, for the kind `choice`.
        only_for: the property beside it that decides whether it matters, and the values of that for which it does.
    """

    name: str
    kind: Kind
    schema: Schema
    is_required: bool = False
    is_nullable: bool = False
    is_secret: bool = False
    choices: tuple[tuple[Any, str], ...] = ()
    only_for: tuple[str, tuple[str, ...]] | None = None

    def matters(self, decided: object) -> bool:
        """Tell whether it matters where the property that decides this has a value."""
        return self.only_for is None or decided in self.only_for[1]

    @property
    def default(self) -> Any:
        """Return the default, None where there is none."""
        return self.schema.get("default")


def properties(schema: Schema, root: Schema | None = None, at: str = "") -> list[Property]:
    """Return the properties of an object in the order of its schema, without those that may only be empty.

    Args:
        root: the whole schema, which has the definitions and the list of secrets; by default this one.
        at: where in it the object stands, such as `credentials`.
    """
    root = root if root is not None else schema
    required = set(schema.get("required", ()))
    return [
        _property(name, one, root, f"{at}.{name}" if at else name, name in required)
        for name, one in schema.get("properties", {}).items()
        if one.get("maxProperties") != 0
    ]


def _property(name: str, written: Schema, root: Schema, place: str, is_required: bool) -> Property:
    schema, is_nullable = _without_null(_resolved(written, root), root)
    secrets = root.get("secret_fields", ())
    is_mapping = f"{place}.*" in secrets
    choices = _choices(schema)
    return Property(
        name=name,
        kind="pairs" if is_mapping else "choice" if choices else _kind(schema),
        schema=schema,
        is_required=is_required,
        is_nullable=is_nullable,
        is_secret=is_mapping or place in secrets or schema.get("format") == "password",
        choices=choices,
        only_for=_only_for(schema.get(ONLY_FOR)),
    )


def _only_for(mark: Any) -> tuple[str, tuple[str, ...]] | None:
    return (str(mark["field"]), tuple(map(str, mark["values"]))) if isinstance(mark, Mapping) else None


def _resolved(schema: Schema, root: Schema) -> Schema:
    """Follow a reference into the definitions; what stands beside it stays."""
    reference = schema.get("$ref")
    if not isinstance(reference, str):
        return schema
    found: Any = root
    for part in reference.removeprefix("#/").split("/"):
        found = found.get(part, {})
    beside = {key: value for key, value in schema.items() if key != "$ref"}
    return {**_resolved(found, root), **beside}


def _without_null(schema: Schema, root: Schema) -> tuple[Schema, bool]:
    """Return a schema without its branch of null, and whether it had one."""
    kinds = schema.get("type")
    if isinstance(kinds, list):
        left = [kind for kind in kinds if kind != "null"]
        return {**schema, "type": left[0] if len(left) == 1 else left}, "null" in kinds
    branches = [_resolved(branch, root) for branch in schema.get("anyOf", ())]
    if not branches:
        return schema, None in schema.get("enum", ())
    left_over = [branch for branch in branches if branch.get("type") != "null"]
    beside = {key: value for key, value in schema.items() if key != "anyOf"}
    found = {**left_over[0], **beside} if len(left_over) == 1 else _merged(left_over, beside)
    return found, len(left_over) < len(branches)


def _merged(branches: list[Schema], beside: Schema) -> Schema:
    """Return one schema for several branches: choices of numbers that may be written as a name too stay choices."""
    for branch in branches:
        if "enum" in branch and branch.get("type") == "integer":
            return {**branch, **beside}
    kinds = {branch.get("type") for branch in branches}
    return {**beside, "type": "string" if kinds == {"string"} else "scalar"}


def _choices(schema: Schema) -> tuple[tuple[Any, str], ...]:
    if "oneOf" in schema and all(isinstance(one, Mapping) and "const" in one for one in schema["oneOf"]):
        return tuple((one["const"], str(one.get("title", one["const"]))) for one in schema["oneOf"])
    return tuple((value, str(value)) for value in schema.get("enum", ()) if value is not None)


def _kind(schema: Schema) -> Kind:
    match schema.get("type"):
        case "boolean":
            return "boolean"
        case "integer":
            return "integer"
        case "number":
            return "number"
        case "array":
            items = schema.get("items", {}).get("type")
            return "lines" if items == "string" else "numbers" if items in {"integer", "number"} else "json"
        case "object":
            if "properties" in schema:
                return "object"
            values = schema.get("additionalProperties")
            return "pairs" if isinstance(values, Mapping) and values.get("type") == "string" else "json"
        case "string":
            form = schema.get("format")
            return "date" if form == "date" else "date-time" if form == "date-time" else "text"
        case _:
            return "scalar"
