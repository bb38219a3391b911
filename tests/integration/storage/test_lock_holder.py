"""The kernel names the process that holds SQLite's write lock, also one that stands still."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from mailroom.storage.sqlite.lock_holder import pid_of_writer, write_lock_holder
from tests.support.waiting import eventually_sync

_HOLDER = """
import sqlite3, sys
lite = sqlite3.connect(sys.argv[1], isolation_level=None)
lite.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
"""
LISTED = """\
1: POSIX  ADVISORY  READ 11 fe:00:77 124 124
2: POSIX  ADVISORY  WRITE 12 fe:00:77 121 121
3: POSIX  ADVISORY  WRITE 13 fe:00:78 120 120
4: FLOCK  ADVISORY  WRITE 14 fe:00:77 0 EOF
5: POSIX  ADVISORY  WRITE 15 fe:00:77 120 120
5: -> POSIX  ADVISORY  WRITE 16 fe:00:77 120 120
"""


def test_the_writer_is_found_in_the_list() -> None:
    assert pid_of_writer(LISTED, 77) == 15
    assert pid_of_writer(LISTED, 78) == 13
    assert pid_of_writer(LISTED, 79) is None


@pytest.mark.skipif(sys.platform != "linux", reason="Only Linux lists locks.")
def test_a_process_that_stands_still_with_the_lock_is_named(tmp_path: Path) -> None:
    database = tmp_path / "some.db"
    with sqlite3.connect(database, isolation_level=None) as lite:
        lite.execute("PRAGMA journal_mode=WAL")
        lite.execute("CREATE TABLE t (x INTEGER)")
        assert write_lock_holder(database) is None
        command = [sys.executable, "-c", _HOLDER, str(database)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"held\n"
            process.send_signal(signal.SIGSTOP)
            eventually_sync(lambda: psutil.Process(process.pid).status() == psutil.STATUS_STOPPED, 30)
            holder = write_lock_holder(database)
            process.send_signal(signal.SIGCONT)
            process.kill()
        assert holder is not None
        assert (holder.pid, holder.state) == (process.pid, psutil.STATUS_STOPPED)
        assert sys.executable in holder.command
        assert write_lock_holder(database) is None
    lite.close()


def test_a_database_that_is_not_there_has_no_holder(tmp_path: Path) -> None:
    assert write_lock_holder(tmp_path / "none.db") is None
