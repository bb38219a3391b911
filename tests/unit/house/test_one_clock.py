"""One clock: what is stored or compared with what is stored is told by the database's clock, never by a host's own."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from mailroom.settings import CHECKOUT

ROOMS = ("mailroom", "deployments", "api", "flows")
OWNER = Path("mailroom/storage/hosts/clock.py")
LOCAL = {
    "api/services.py": "a default for whoever makes services without a database; `create_app` gives the database's",
    "deployments/watched_loop.py": "shown by /readyz of this process; for others it is told by the database's clock",
    "mailroom/backups/databases.py": "when a part of a backup was taken, for people to read",
    "mailroom/backups/make.py": "when a backup was made, which must be told of a database that does not answer, too",
    "mailroom/passes/direct/rendering.py": "a run without a database of ours, on one host",
    "mailroom/passes/direct/sending.py": "a run without a database of ours, on one host",
    "mailroom/passes/direct/work.py": "a run without a database of ours, on one host",
    "mailroom/passes/steps/in_prefect.py": "a default for a run of which Prefect does not know when it was expected",
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


def _faults(name: str, text: str) -> Iterator[str]:
    called = _called(ast.parse(text)) if "time" in text or "date" in text else set()
    if name != str(OWNER) and (stamps := {"datetime.now", "datetime.utcnow", "datetime.today", "date.today"} & called):
        yield f"{name} calls {', '.join(stamps)}: ask the database for the time"
    if "time.time" in called and name not in MEASURES:
        yield f"{name} calls time.time"
    is_read = name == str(OWNER) or ("hosts.clock import" in text and "local_time" in text)
    if is_read != (name in LOCAL):
        yield f"{name}: say in LOCAL why the clock of its host does no harm, or that it is not read any more"


def test_no_module_reads_the_clock_of_its_host_without_a_reason() -> None:
    faults = [fault for path in _modules() for fault in _faults(str(path.relative_to(CHECKOUT)), path.read_text())]
    assert faults == []


def test_a_module_that_reads_it_is_found() -> None:
    assert len(list(_faults("mailroom/x.py", "now = datetime.now(UTC)"))) == 1
    assert len(list(_faults("mailroom/x.py", "from mailroom.storage.hosts.clock import local_time"))) == 1
    assert len(list(_faults("mailroom/x.py", "now = time.time()"))) == 1
