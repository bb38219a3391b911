"""Write the page of the schemas that requests and answers are made of. Pure."""

from __future__ import annotations

from scripts.reference.markdown import prose, table
from scripts.reference.rest.document import FIELD_COLUMNS, Schema, fields, short, type_of

_HEAD = """# Schemas
This page is made from the code by `make docs`. It lists what requests and answers are made of, by name. A list of many
is a page of them: `items`, and `next_cursor` for the next page.
"""


def page(api: Schema) -> str:
    """Return the whole page."""
    named = {short(name): schema for name, schema in api["components"]["schemas"].items()}
    parts = [_HEAD]
    parts.extend(f"## {name}\n{_described(named[name])}\n" for name in sorted(named))
    return "\n".join(parts)


def _described(schema: Schema) -> str:
    words = prose(" ".join(schema.get("description", "").split()))
    rows = fields(schema, "")
    values = f"One of {type_of(schema)}." if "enum" in schema else "" if rows else f"Type: {type_of(schema, '')}."
    return "\n\n".join(part for part in (words, values, table(FIELD_COLUMNS, rows) if rows else "") if part)
