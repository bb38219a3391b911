"""Make the JSON Schema of the documents from their models, for editors and for messages. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from functools import cache
from typing import Any

from mailroom.as_code.secrets import places as secret_places
from mailroom.as_code.spec import DOCUMENT, VERSION, Kind
from mailroom.connections.kinds import block_types
from prefect_mailroom.channels.registry import CHANNELS

FILE = "mailroom.schema.json"
"""Its name in an exported folder."""
TITLE = "Mailroom documents"
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_REFERENCE = {
    "title": "Secret",
    "description": "{secret: true} keeps the stored one; {from_env: NAME} is read where `mailroom apply` runs.",
    "oneOf": [
        {
            "type": "object",
            "properties": {"secret": {"const": True}},
            "required": ["secret"],
            "additionalProperties": False,
        },
        {
            "type": "object",
            "properties": {"from_env": {"type": "string", "minLength": 1}},
            "required": ["from_env"],
            "additionalProperties": False,
        },
        {"const": ""},
        {"type": "null"},
    ],
}
_FROM_FILE = {
    "type": "object",
    "description": "The text stands in a file beside the document.",
    "properties": {"file": {"type": "string", "minLength": 1}},
    "required": ["file"],
    "additionalProperties": False,
}


@cache
def document_schema() -> Mapping[str, Any]:
    """Return the JSON Schema of one document of any kind. It is shared, so change a copy."""
    found = DOCUMENT.json_schema(by_alias=True)
    definitions: dict[str, Any] = found["$defs"]
    _name_destinations(definitions)
    _name_settings(definitions)
    _open_files(definitions)
    for name in ("TeamDocument", "CalendarDocument", "ConnectionDocument", "ReportDocument", "ScheduleDocument"):
        definitions[name]["properties"]["apiVersion"]["const"] = VERSION
    report = definitions["ReportDefinition"]
    del report["properties"]["id"]  # It is the name of the document.
    report["required"] = [one for one in report["required"] if one != "id"]
    return {"$schema": _DIALECT, "title": TITLE, **found}


def kind_schema(kind: Kind) -> dict[str, Any]:
    """Return the JSON Schema of the documents of one kind, for messages."""
    found = document_schema()
    return {"$ref": f"#/$defs/{kind.value.capitalize()}Document", "$defs": found["$defs"]}


def _merge(definitions: dict[str, Any], schema: dict[str, Any], prefix: str) -> dict[str, Any]:
    """Move the definitions of a schema to the others, under names of their own; return the schema itself."""
    # Prefect's blocks keep theirs under the older name.
    inner = {**schema.pop("$defs", {}), **schema.pop("definitions", {})}
    renamed = {f"#/{at}/{name}": f"#/$defs/{prefix}{name}" for at in ("$defs", "definitions") for name in inner}
    definitions.update({f"{prefix}{name}": _renamed(one, renamed) for name, one in inner.items()})
    found: dict[str, Any] = _renamed(schema, renamed)
    return found


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {
            key: names.get(below, below) if key == "$ref" and isinstance(below, str) else _renamed(below, names)
            for key, below in value.items()
        }
    return [_renamed(one, names) for one in value] if isinstance(value, list) else value


def _name_destinations(definitions: dict[str, Any]) -> None:
    branches = []
    for channel, entry in CHANNELS.items():
        name = f"Destination-{channel}"
        definitions[name] = _merge(definitions, entry.destination_type.model_json_schema(), f"{name}-")
        definitions[name]["properties"]["channel"] = {"const": channel}
        definitions[name]["required"] = sorted({*definitions[name].get("required", []), "channel"})
        branches.append({"$ref": f"#/$defs/{name}"})
    definitions["ScheduleSpec"]["properties"]["destinations"]["items"] = {"oneOf": branches}


def _name_settings(definitions: dict[str, Any]) -> None:
    """Say for each kind of connection which settings it has; a secret is only referred to."""
    branches = []
    for kind, block in block_types().items():
        name = f"Settings-{kind}"
        schema = deepcopy(block.model_json_schema())
        plain: dict[str, Any] = {
            key: schema[key] for key in ("type", "properties", "$defs", "definitions") if key in schema
        }
        settings = _merge(definitions, {**plain, "additionalProperties": False}, f"{name}-")
        # Some secrets are required, and may be stored already; those of settings that are left out are kept out too.
        for place in secret_places.patterns(kind):
            _refer(definitions, settings, place.split("."))
        definitions[name] = settings
        branches.append(
            {
                "if": {"properties": {"kind": {"const": kind}}, "required": ["kind"]},
                "then": {"properties": {"settings": {"$ref": f"#/$defs/{name}"}}},
            }
        )
    definitions["ConnectionSettings"]["allOf"] = branches


def _refer(definitions: Mapping[str, Any], schema: dict[str, Any], place: list[str]) -> None:
    """Put a reference in the place of a secret."""
    part, rest = place[0], place[1:]
    if part == "*":
        schema.clear()
        schema.update({"type": ["object", "null"], "additionalProperties": _REFERENCE})
        return
    found = _resolved(definitions, schema)
    if part not in found.get("properties", {}):
        return
    if rest:
        _refer(definitions, found["properties"][part], rest)
    else:
        found["properties"][part] = _REFERENCE


def _resolved(definitions: Mapping[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    while True:
        options = schema.get("anyOf") or schema.get("allOf") or []
        if "$ref" in schema:
            schema = definitions[schema["$ref"].removeprefix("#/$defs/")]
        elif options and "properties" not in schema:
            schema = next((one for one in options if one.get("type") != "null"), {})
        else:
            return schema


def _open_files(definitions: dict[str, Any]) -> None:
    """Let queries and templates stand in files of their own, which the command line puts into the document."""
    queries = definitions["SqlSource"]["properties"]["queries"]
    queries["additionalProperties"] = {"anyOf": [{"type": "string"}, _FROM_FILE]}
    queries.pop("patternProperties", None)
    template = definitions["ReportDefinition"]["properties"]["template"]
    template["anyOf"] = [*template["anyOf"], _FROM_FILE]
