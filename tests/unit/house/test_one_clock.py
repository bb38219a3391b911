"""One clock: what is stored or compared with what is stored is told by the database's clock, never by a host's own."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailroom.settings import CHECKOUT

ROOMS = ("mailroom", "deployments", "api", "flows")
OWNER = Path("mailroom/storage/hosts/clock.py")
LOCAL = {
    "api/services.py": "a default for whoever makes services without a database; `create_app` gives the database's",
    "deployments/watched_loop.py": "only shown by /readyz of the same process; others are told by seconds that passed",
    "mailroom/rendering/first_page/pictures.py": "the date on a picture of a sample",
    "mailroom/rendering/previews.py": "the date on a preview, which is not stored",
    "mailroom/rendering/progress.py": "how long a file took, begun and ended on one host",
    "mailroom/rendering/shell.py": "how long a command took, begun and ended on one host",
    "mailroom/storage/hosts/clock.py": "the owner",
    "mailroom/storage/sqlite/lock_watch.py": "a line of the log, and SQLite is on one host",
    "mailroom/watching/signs/prefect.py": "a default for whoever asks Prefect without a database",
}
"""The modules that read the host's own clock, each with the reason why that does no harm."""
MEASURES = {"api/http/rates/counting.py": "seconds until a counter of this process has room"}
"""The modules that read seconds of the epoch."""


def _modules() -> Iterator[Path]:
    for room in ROOMS:
        for path in sorted((CHECKOUT / room).rglob("*.py")):
            if "versions" not in path.parts:  # A migration runs once, on one host.
                yield path


def _called(tree: ast.Module) -> set[str]:
    return {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}


@pytest.mark.parametrize("path", list(_modules()), ids=lambda path: str(path.relative_to(CHECKOUT)))
def test_no_module_reads_the_clock_of_its_host_without_a_reason(path: Path) -> None:
    name, text = str(path.relative_to(CHECKOUT)), path.read_text()
    called = _called(ast.parse(text)) if "time" in text else set()
    stamps = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today"} & called
    assert not stamps or name == str(OWNER), f"ask the database for the time: {stamps}"
    assert "time.time" not in called or name in MEASURES
    assert ("local_time" in text) == (name in LOCAL), "say in LOCAL why the host's own clock does no harm"
