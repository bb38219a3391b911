"""Get the OpenAPI document of the application, and put a schema into words."""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic import SecretStr

from scripts.reference.markdown import anchor, prose

Schema = dict[str, Any]
PREFIX = "#/components/schemas/"
SCHEMAS = "schemas.md"


@cache
def document() -> Schema:
    """Return the document, as `GET /api/v1/openapi.json` has it."""
    from api.app import create_app  # noqa: PLC0415  # It takes seconds, and only the pages of REST need it.
    from mailroom.settings import Settings  # noqa: PLC0415  # See above.

    return create_app(Settings(api_key=SecretStr("only-for-the-document-" + "x" * 20))).openapi()


def type_of(schema: Schema, page: str = SCHEMAS) -> str:
    """Return the type of a value in words, with links to the schemas that it names; `page` is where those are."""
    if "$ref" in schema:
        name = short(schema["$ref"].removeprefix(PREFIX))
        return f"[{name}]({page}#{anchor(name)})"
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return ", ".join(f"`{value}`" if value else "empty" for value in schema["enum"])
    for key in ("oneOf", "anyOf", "allOf"):
        if key in schema:
            return " or ".join(dict.fromkeys(type_of(one, page) for one in schema[key] if one.get("type") != "null"))
    kind = schema.get("type", "any")
    if kind == "array":
        return f"list of {type_of(schema.get('items', {}), page)}"
    if kind == "object":
        values = schema.get("additionalProperties")
        return f"object of {type_of(values, page)}" if isinstance(values, dict) and values else "object"
    return f"{kind} ({schema['format']})" if "format" in schema else str(kind)


def fields(schema: Schema, page: str = SCHEMAS) -> list[list[str]]:
    """Return a row for each field of an object: name, type, whether it is needed, default, meaning."""
    needed = schema.get("required", [])
    rows = []
    for name, one in schema.get("properties", {}).items():
        default = "" if one.get("default") in (None, "", [], {}) else f"`{one['default']}`"
        rows.append(
            [
                f"`{name}`",
                type_of(one, page),
                "yes" if name in needed else "",
                default,
                prose(one.get("description", "")),
            ]
        )
    return rows


FIELD_COLUMNS = ("Field", "Type", "Needed", "Default", "Meaning")


def short(name: str) -> str:
    """Return the name of a schema for people; where two rooms have one of the same name, each says whose it is."""
    *modules, last = name.split("__")
    return f"{last} of {modules[-2]}" if modules else last
