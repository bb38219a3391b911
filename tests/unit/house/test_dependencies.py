"""The house: rooms stay small, modules keep to one idea, and no flow file takes the name of a library.

Which room may import which is a contract in pyproject.toml; `make check` holds it.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PACKAGES = ("api", "bench", "blocks/prefect_mailroom", "cli", "deployments", "embedded", "flows", "mailroom")
FILES = [file for name in PACKAGES for file in sorted((ROOT / name).rglob("*.py")) if "versions" not in file.parts]
LONGEST_MODULE = 350
MOST_FILES_IN_A_ROOM = 12


def test_nothing_is_imported_relatively() -> None:
    """A relative import hides where a name comes from."""
    nodes = [(file, node) for file in FILES for node in ast.walk(ast.parse(file.read_text()))]
    assert not [str(file) for file, node in nodes if isinstance(node, ast.ImportFrom) and node.level]


def test_no_flow_file_is_named_like_a_library() -> None:
    """Prefect leaves `flows/` on sys.path, so a name there would hide the library's."""
    ours = {"prefect", "mailroom", "embedded", "api", "blocks", "deployments", "cli", "email", "sftp"}
    taken = sys.stdlib_module_names | ours
    assert {file.stem for file in (ROOT / "flows").glob("*.py")}.isdisjoint(taken)


def test_modules_keep_to_one_idea() -> None:
    long = {
        str(file.relative_to(ROOT)): n for file in FILES if (n := len(file.read_text().splitlines())) > LONGEST_MODULE
    }
    assert not long, f"over {LONGEST_MODULE} lines, split them: {long}"


# The benches are programs of their own.
ROOMS = sorted({file.parent for file in FILES if file.relative_to(ROOT).parts[0] != "bench"})


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: str(room.relative_to(ROOT)))
def test_a_room_can_be_taken_in_at_a_glance(room: Path) -> None:
    loose = [file.name for file in room.glob("*.py") if not file.name.startswith("__")]
    assert len(loose) <= MOST_FILES_IN_A_ROOM, f"give some of these a room of their own: {sorted(loose)}"
