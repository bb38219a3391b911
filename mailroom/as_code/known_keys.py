"""Find the keys that may stand at a place of a document, by its JSON Schema, to suggest the nearest one. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

_BRANCHES = ("anyOf", "oneOf", "allOf")


def suggestion(schema: Mapping[str, Any], path: Sequence[str | int]) -> str:
    """Return what to do about an unknown key at the end of a path: the nearest key, or all that there are."""
    known = sorted({key for found in _at(schema, schema, list(path[:-1])) for key in found.get("properties", {})})
    near = get_close_matches(str(path[-1]), known, n=1)
    if near:
        return f"Did you mean '{near[0]}'?"
    return f"The known keys are: {', '.join(known)}." if known else "Remove it, or check its spelling."


def nearest(word: str, known: Sequence[str]) -> str:
    """Return what to do about a word that is not among the known ones."""
    near = get_close_matches(word, known, n=1)
    return f"Did you mean '{near[0]}'?" if near else f"Use one of: {', '.join(known)}."


def _at(root: Mapping[str, Any], schema: Mapping[str, Any], path: list[str | int]) -> Iterator[Mapping[str, Any]]:
    """Yield each schema that may hold at the end of a path, whichever branches lead there."""
    for here in _branches(root, schema):
        if not path:
            yield here
            continue
        part, rest = path[0], path[1:]
        below = here.get("items") if isinstance(part, int) else here.get("properties", {}).get(part)
        if isinstance(below, Mapping):
            yield from _at(root, below, rest)


def _branches(root: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if isinstance(reference := schema.get("$ref"), str):
        found: Any = root
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]
        yield from _branches(root, found)
        return
    yield schema
    for name in _BRANCHES:
        for one in schema.get(name, ()):
            yield from _branches(root, one.get("then", one) if isinstance(one, Mapping) else one)
