"""Write documents as YAML that is read back as the same. Pure; the same document always gives the same bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import yaml

from mailroom.as_code.schema import FILE
from mailroom.as_code.spec import VERSION, Kind
from mailroom.reports.folders.yaml_lines import RESOLVERS

FOLDERS: Mapping[Kind, str] = {
    Kind.TEAM: "teams",
    Kind.CALENDAR: "calendars",
    Kind.CONNECTION: "connections",
    Kind.REPORT: "reports",
    Kind.SCHEDULE: "schedules",
}
_TAG = "tag:yaml.org,2002:str"


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]  # the C library's, where it is there
    """Writes texts of several lines as they are, and quotes whatever our reader would take for something else."""

    def ignore_aliases(self, data: Any) -> bool:
        """Write a value out each time: our reader takes no anchors."""
        return True


def _string(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar(_TAG, value, style="|" if "\n" in value else None)


_Dumper.add_representer(str, _string)
for _tag, _pattern, _first in RESOLVERS:
    _Dumper.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", _pattern, _first)


def path_of(kind: Kind, name: str) -> str:
    """Return where the document of an object stands in an exported folder."""
    return f"{FOLDERS[kind]}/{name}.yaml"


def document(
    kind: Kind, name: str, spec: Mapping[str, Any], *, owner: str | None = None, state: str | None = None
) -> dict[str, Any]:
    """Return the document of an object."""
    told = {key: value for key, value in (("owner", owner), ("state", state)) if value is not None}
    return {"apiVersion": VERSION, "kind": str(kind), "name": name, **told, "spec": dict(spec)}


def written(data: Mapping[str, Any]) -> str:
    """Return a document as the text of its file, with the line by which editors find its schema."""
    body = yaml.dump(dict(data), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
    return f"# yaml-language-server: $schema=../{FILE}\n{body}"


def schema_text(schema: Mapping[str, Any]) -> str:
    """Return the JSON Schema as the text of its file."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
