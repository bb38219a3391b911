"""Only `deployments/sync/apply.py` may write deployments: what writes them twice fires an occurrence twice."""

from __future__ import annotations

import ast
from pathlib import Path

from prefect.client.orchestration import PrefectClient

ROOT = Path(__file__).resolve().parents[3]
WRITER = ROOT / "deployments/sync/apply.py"
PACKAGES = ("api", "blocks/prefect_mailroom", "cli", "deployments", "embedded", "flows", "mailroom")
READING = ("read_", "get_")
READ_PATHS = ("/deployments/filter", "/deployments/count")
WRITING = {name for name in dir(PrefectClient) if "deployment" in name and not name.startswith(READING)}


def _writes(source: str) -> list[str]:
    """Return what a module's text asks of Prefect that changes deployments: method names and request paths."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and node.attr in WRITING:
            found.append(node.attr)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "request":
            paths = [str(part.value) for part in ast.walk(node) if isinstance(part, ast.Constant)]
            found += [path for path in paths if path.startswith("/deployments/") and path not in READ_PATHS]
    return found


def test_the_check_knows_prefects_writing_calls() -> None:
    assert {"create_deployment", "update_deployment", "delete_deployment", "delete_deployment_schedule"} <= WRITING
    assert _writes('async def f(c): await c.request("POST", f"/deployments/{x}/schedule")') == ["/deployments/"]
    assert not _writes('async def f(c): await c.request("POST", "/deployments/filter")')


def test_no_other_module_writes_deployments() -> None:
    files = [file for package in PACKAGES for file in sorted((ROOT / package).rglob("*.py")) if file != WRITER]
    writers = {str(file.relative_to(ROOT)): found for file in files if (found := _writes(file.read_text()))}
    assert not writers, f"let deployments/sync/apply.py do this: {writers}"


def test_the_writer_writes() -> None:
    """The rule above looks in the right place."""
    assert {"create_deployment", "update_deployment", "delete_deployment"} <= set(_writes(WRITER.read_text()))
