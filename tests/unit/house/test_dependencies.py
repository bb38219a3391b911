"""The house: dependencies point one way, names of libraries are not taken, and nobody imports the flows or the API."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
MAY_IMPORT = {
    "prefect_mailroom": set(),
    "mailroom": {"prefect_mailroom"},
    "deployments": {"mailroom", "prefect_mailroom"},
    "api": {"deployments", "mailroom", "prefect_mailroom"},
    "embedded": {"deployments", "mailroom", "prefect_mailroom"},
    "cli": {"embedded", "deployments", "mailroom", "prefect_mailroom"},
    "flows": {"deployments", "mailroom", "prefect_mailroom"},
    "bench": {"embedded", "deployments", "mailroom", "prefect_mailroom", "cli"},
}
FOLDERS = {name: ROOT / ("blocks/prefect_mailroom" if name == "prefect_mailroom" else name) for name in MAY_IMPORT}
FILES = [(name, file) for name, folder in FOLDERS.items() for file in sorted(folder.rglob("*.py"))]


def imported(tree: ast.AST) -> set[str]:
    """The top-level packages that a module imports, inside functions too."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide where a name comes from"
            found.add((node.module or "").split(".")[0])
    return found


@pytest.mark.parametrize(("package", "file"), FILES, ids=lambda value: getattr(value, "stem", value))
def test_dependencies_point_one_way(package: str, file: Path) -> None:
    ours = imported(ast.parse(file.read_text())) & set(MAY_IMPORT)
    assert ours - {package} <= MAY_IMPORT[package], f"{file.relative_to(ROOT)} imports {ours - MAY_IMPORT[package]}"


def test_the_lint_sees_the_whole_house() -> None:
    assert {name for name, _ in FILES} == set(MAY_IMPORT)


def test_no_flow_file_is_named_like_a_library() -> None:
    """Prefect leaves `flows/` on sys.path, so a name there would hide the library's."""
    ours = {"prefect", "mailroom", "embedded", "api", "blocks", "deployments", "cli", "email", "sftp"}
    taken = sys.stdlib_module_names | ours
    assert {file.stem for file in FOLDERS["flows"].glob("*.py")}.isdisjoint(taken)


def test_the_renderer_side_never_imports_prefect() -> None:
    """A renderer process is small because Prefect, 100 MB of it, is not in it."""
    allowed = re.compile(r"prefect_mailroom\.(errors|outbound|sources\.engine)\b")
    for file in sorted((ROOT / "mailroom/rendering").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            else:
                continue
            foreign = [name for name in names if name.startswith("prefect") and not allowed.match(name)]
            assert not foreign, f"{file.relative_to(ROOT)} imports {foreign}"


def test_modules_keep_to_one_idea() -> None:
    ours = [file for _, file in FILES if "migrations" not in file.parts]
    long = {str(file.relative_to(ROOT)): n for file in ours if (n := len(file.read_text().splitlines())) > 350}
    assert not long, f"over 350 lines, split them: {long}"
