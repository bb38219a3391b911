"""JSON Schemas for answers, bounded: small, without references, with patterns that match in linear time. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jsonschema_rs import Validator

MAX_BYTES = 16_000
MAX_DEPTH = 50
_REFERENCES = {"$ref", "$dynamicRef", "$recursiveRef"}


def check_schema(schema: dict[str, Any]) -> None:
    """Refuse a schema that is none, or that could take long.

    Raises:
        ValueError: says what is wrong with it.
    """
    _walk(schema)
    try:
        size = len(json.dumps(schema, allow_nan=False).encode())
    except ValueError:
        raise ValueError("the schema has a number that JSON does not have") from None
    if size > MAX_BYTES:
        raise ValueError(f"the schema has {size:,} bytes; the limit is {MAX_BYTES:,}")
    try:
        _validator(schema)
    except ValueError as error:
        told = str(error).strip().splitlines()
        raise ValueError(f"this is no JSON Schema: {(told or ['?'])[0][:200]}") from None


def fits(document: Any, schema: dict[str, Any]) -> bool:
    """Tell whether a document fits a schema that has passed `check_schema`. One that is very deep fits none."""
    try:
        return _validator(schema).is_valid(document)
    except ValueError:
        return False


def _validator(schema: dict[str, Any]) -> Validator:
    # Late: it costs a process that has no schema nothing.
    import jsonschema_rs

    return jsonschema_rs.Draft202012Validator(
        schema, pattern_options=jsonschema_rs.RegexOptions(), retriever=_retrieve_nothing
    )


def _retrieve_nothing(uri: str) -> Any:
    raise ValueError(f"nothing is fetched for a schema: {uri[:100]}")


def _walk(schema: dict[str, Any]) -> None:
    """Refuse a schema that is deep, or that refers to others.

    A reference could fetch from elsewhere, and references to references can make the work grow without end.
    """
    level: list[Any] = [schema]
    for _ in range(MAX_DEPTH):
        if any(isinstance(part, dict) and _REFERENCES & part.keys() for part in level):
            raise ValueError(f"the schema refers to another ({', '.join(sorted(_REFERENCES))}); write it out instead")
        level = [inner for part in level for inner in _inside(part)]
    if level:
        raise ValueError(f"the schema is nested more than {MAX_DEPTH} levels deep")


def _inside(part: Any) -> list[Any]:
    if isinstance(part, dict):
        return list(part.values())
    return part if isinstance(part, list) else []
