"""With the real stack, each part that stops working becomes one incident and, when it works again, ends once.

`make test-incidents` runs it: it waits for minutes. What a process sees and decides is tested in `make test`.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from embedded.ports import free_port
from tests.support.system import System, wait_for

pytestmark = pytest.mark.skipif(os.environ.get("INCIDENTS") != "all", reason="`make test-incidents` runs it.")
SECONDS = 90
"""60 s, and some for a machine that is busy with other tests."""


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    system = System(tmp_path_factory.mktemp("up") / "data")
    with system.up():
        yield system


def _process(word: str) -> psutil.Process:
    """Return the first process of the system whose command line has this word."""
    for process in psutil.Process().children(recursive=True):
        if word in process.cmdline():
            return process
    raise AssertionError(f"no process {word}")


def _incidents(system: System, kind: str) -> list[tuple[str, str | None]]:
    """Return (subject, resolved_at) of all incidents of this kind, the oldest first."""
    with closing(sqlite3.connect(system.folder / "mailroom.db", timeout=30)) as connection:
        query = "SELECT subject, resolved_at FROM incidents WHERE kind = ? ORDER BY opened_at"
        return connection.execute(query, (kind,)).fetchall()


def _total(system: System) -> int:
    with closing(sqlite3.connect(system.folder / "mailroom.db", timeout=30)) as connection:
        return int(connection.execute("SELECT count(*) FROM incidents").fetchone()[0])


def _story(system: System, kind: str, break_it: Callable[[], None], mend_it: Callable[[], None]) -> str:
    """Break something and mend it; exactly one incident opens and ends, and no other. Return its subject."""
    before, of_all = len(_incidents(system, kind)), _total(system)
    begun = time.monotonic()
    break_it()
    try:
        wait_for(f"the incident {kind}", lambda: len(_incidents(system, kind)) > before, SECONDS)
        opened = time.monotonic() - begun
    finally:
        begun = time.monotonic()
        mend_it()
    wait_for(f"the end of {kind}", lambda: _incidents(system, kind)[-1][1], SECONDS)
    sys.stdout.write(f"{kind}: opened after {opened:.0f} s, over after {time.monotonic() - begun:.0f} s\n")
    assert (len(_incidents(system, kind)), _total(system)) == (before + 1, of_all + 1)
    return _incidents(system, kind)[-1][0]


def test_a_worker_that_hangs(system: System) -> None:
    worker = _process("prefect_mailroom.worker")
    assert _story(system, "worker_silent", worker.suspend, worker.resume) == "mailroom"


def test_a_prefect_that_hangs(system: System) -> None:
    prefect = _process("embedded.prefect_server")
    assert _story(system, "prefect_silent", prefect.suspend, prefect.resume) == "prefect"


def test_an_api_process_that_is_killed_and_replaced(system: System, tmp_path: Path) -> None:
    first = _process("api.app:create_app")
    command, environment = first.cmdline(), first.environ()
    others: list[subprocess.Popen[bytes]] = []

    def start() -> None:
        """Start a second process of the API, beside the one that `mailroom up` looks after."""
        port = str(free_port("127.0.0.1"))
        with (tmp_path / "api.log").open("ab") as log:
            other = [*command[:-1], port]
            others.append(subprocess.Popen(other, env=environment, stdout=log, stderr=log, cwd=first.cwd()))

    def beats() -> int:
        with closing(sqlite3.connect(system.folder / "mailroom.db", timeout=30)) as connection:
            query = "SELECT count(*) FROM heartbeats WHERE name = 'heartbeats' AND process LIKE ?"
            return int(connection.execute(query, (f"%:{others[-1].pid}",)).fetchone()[0])

    start()
    try:
        wait_for("its first sign of life", beats, 60)
        subject = _story(system, "loop_dead", lambda: others[0].send_signal(signal.SIGKILL), start)
        assert subject.endswith(f":{others[0].pid}")
    finally:
        for other in others:
            other.terminate()
            other.wait(60)
