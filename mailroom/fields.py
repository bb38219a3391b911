"""Find the place in the input that an error of pydantic is about.

The `loc` of an error names the fields, keys and indexes on the way to it, and between them the branches of unions that
pydantic tried: `("timing", "daily", "at")`. Nobody sent those. Which part is a branch follows from the schema alone: a
field or a key may bear the same name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, TypeAdapter

Loc = tuple[int | str, ...]
_Schema = Mapping[str, Any]
_WRAPPERS = {
    **dict.fromkeys(("nullable", "default", "function-before", "function-after", "function-wrap"), "schema"),
    **dict.fromkeys(("model", "dataclass", "json"), "schema"),
    "lax-or-strict": "lax_schema",
    "json-or-python": "python_schema",
}
"""Schemas around another one, and where they keep it."""
_RECORDS = frozenset({"model-fields", "typed-dict", "dataclass-args"})
_LISTS = frozenset({"list", "set", "frozenset", "generator"})


def place(model: type[BaseModel] | TypeAdapter[Any], loc: Loc) -> Loc:
    """Return the part of an error's `loc` that was sent; all of it where it does not fit the model."""
    schema = model.core_schema if isinstance(model, TypeAdapter) else model.__pydantic_core_schema__
    found = _walk(schema, loc, {})
    return loc if found is None else found


def _walk(schema: _Schema, loc: Loc, known: Mapping[str, _Schema]) -> Loc | None:
    """Return what was sent of the rest of a path, or None where the path does not lead through this schema."""
    if not loc:
        return ()
    kind = schema["type"]
    if kind == "definitions":
        return _walk(schema["schema"], loc, {**known, **{one["ref"]: one for one in schema["definitions"]}})
    if kind == "definition-ref":
        return _walk(known[schema["schema_ref"]], loc, known)
    if kind in _WRAPPERS:
        return _walk(schema[_WRAPPERS[kind]], loc, known)
    if kind == "tagged-union":
        chosen = next((choice for tag, choice in schema["choices"].items() if str(tag) == str(loc[0])), None)
        return None if chosen is None else _walk(chosen, loc[1:], known)
    if kind == "union":
        # The first part names the branch, in pydantic's own words; which one it is shows in how the path goes on.
        branches = [choice[0] if isinstance(choice, tuple) else choice for choice in schema["choices"]]
        return _first(_walk(branch, loc[1:], known) for branch in branches)
    if kind == "chain":
        return _first(_walk(step, loc, known) for step in schema["steps"])
    return _step(schema, loc, known)


def _step(schema: _Schema, loc: Loc, known: Mapping[str, _Schema]) -> Loc | None:
    """Go through one field, key or index, which was sent."""
    part, rest, kind = loc[0], loc[1:], schema["type"]
    below: _Schema | None = None
    if kind in _RECORDS:
        below = _field(schema, str(part))
    elif kind == "dict":
        below = None if rest == ("[key]",) else schema.get("values_schema")
        rest = () if rest == ("[key]",) else rest
    elif kind in _LISTS:
        below = schema.get("items_schema")
    elif kind == "tuple" and isinstance(part, int):
        items = schema["items_schema"]
        below = items[min(part, len(items) - 1)] if items else None
    else:
        return None  # A value without parts: this path belongs to another branch.
    if below is None:  # Not known to the schema, such as a key that is forbidden.
        return (part,) if not rest else None
    after = _walk(below, rest, known)
    return None if after is None else (part, *after)


def _field(schema: _Schema, name: str) -> _Schema | None:
    """Return the schema of a field by the name or alias under which it is sent."""
    fields = schema["fields"]
    pairs = fields.items() if isinstance(fields, Mapping) else ((field["name"], field) for field in fields)
    for own, field in pairs:
        if name in (own, field.get("validation_alias")):
            below: _Schema = field["schema"]
            return below
    return None


def _first(found: Iterable[Loc | None]) -> Loc | None:
    return next((one for one in found if one is not None), None)
