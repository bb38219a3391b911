"""Mark fields of a connection that matter only where another has certain values, such as a key for a log-in by key.

Forms show such a field only then. The mark is in the JSON Schema, so that other programs can do the same.
"""

from __future__ import annotations

from typing import Any

ONLY_FOR = "only_for"


def only_for(**values: tuple[str, ...]) -> dict[str, Any]:
    """Return the `json_schema_extra` of a field that matters only where another field has one of these values.

    Example: `Field(default="", json_schema_extra=only_for(identity=("role",)))`.
    """
    [(name, wanted)] = values.items()
    return {ONLY_FOR: {"field": name, "values": list(wanted)}}
