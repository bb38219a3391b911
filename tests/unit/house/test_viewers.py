"""The API reads rows only for a viewer."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]

# Looked up by ids of rows that the viewer was shown before, or no read at all.
WITHOUT_VIEWER = {
    "executions": {
        *("get", "latest_of", "deliveries_of", "attempts_of", "delivery_counts", "artifacts_of"),
        "corrections_of",
    },
    "schedules": {"find", "names", "recent", "destinations", "owner_names"},
    "access": {"find"},
    "audit": {"record", "record_by"},
    "connections": {"give_back"},
    "incidents": {"alerts_of"},
    "as_code": {"marks_by_entity", "write_mark", "remove_mark"},
}
ROOMS_OF_READS = {"repository", "overview", "deliveries"}


def unguarded(code: str) -> list[str]:
    """Return the calls of repositories that name no viewer and are not among the exceptions."""
    tree, rooms = ast.parse(code), {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("mailroom."):
            for name in node.names:
                if name.name in ROOMS_OF_READS:
                    rooms[name.asname or name.name] = node.module.split(".")[1]
    found = []
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        match call.func:
            case ast.Attribute(value=ast.Name(id=alias), attr=function) if alias in rooms:
                named = any(keyword.arg == "viewer" for keyword in call.keywords)
                if not named and function not in WITHOUT_VIEWER.get(rooms[alias], set()):
                    found.append(f"{alias}.{function}")
    return found


def test_every_read_of_the_api_names_its_viewer() -> None:
    files = sorted((ROOT / "api").rglob("*.py"))
    found = {str(file.relative_to(ROOT)): unguarded(file.read_text()) for file in files}
    assert {file: calls for file, calls in found.items() if calls} == {}


def test_a_read_without_a_viewer_is_found() -> None:
    code = (ROOT / "api/actions/schedules/reads.py").read_text()
    assert unguarded(code.replace("viewer=caller.viewer", "limit=1")) == ["stored.list_page", "stored.get"]
