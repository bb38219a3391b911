"""What is confirmed is on the disk: the order of write, sync, rename and sync, and SQLite's commits."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mailroom.storage.artifacts import ArtifactStore
from mailroom.storage.database import Database
from tests.support.file_calls import recorded

CONTENT = os.urandom(300_000)
DIGEST = hashlib.sha256(CONTENT).hexdigest()


def _store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path / "data" / "artifacts")


def _source(folder: Path) -> Path:
    source = folder / "rendered"
    source.write_bytes(CONTENT)
    return source


def test_bytes_are_synced_before_their_name_and_the_name_before_the_answer(tmp_path: Path) -> None:
    store = _store(tmp_path)
    with recorded() as calls:
        store.put(CONTENT)
    calls.assert_durable(store.path(DIGEST))
    artifacts = tmp_path / "data" / "artifacts"
    calls.assert_folders_durable(tmp_path / "data", artifacts, artifacts / DIGEST[:2])


def test_a_taken_file_is_synced_before_its_name_and_the_name_before_the_answer(tmp_path: Path) -> None:
    store, source = _store(tmp_path), _source(tmp_path)
    with recorded() as calls:
        target = store.take(source, DIGEST)
    calls.assert_durable(target)
    assert not source.exists()


def test_a_file_that_is_there_already_has_its_name_synced_again(tmp_path: Path) -> None:
    """Whoever wrote it may be about to sync the folder, or may have died before."""
    store = _store(tmp_path)
    folder = store.path(store.put(CONTENT)).parent.stat().st_ino
    with recorded() as put:
        store.put(CONTENT)
    with recorded() as taken:
        store.take(_source(tmp_path), DIGEST)
    assert [one[1] for one in put.synced] == [folder]
    assert [one[1] for one in taken.synced] == [folder]


@pytest.mark.parametrize("how", ["put", "take"])
def test_a_file_that_a_power_cut_left_too_short_is_replaced(tmp_path: Path, how: str) -> None:
    store = _store(tmp_path)
    broken = store.path(DIGEST)
    broken.parent.mkdir(parents=True)
    broken.write_bytes(b"")
    if how == "put":
        store.put(CONTENT)
    else:
        store.take(_source(tmp_path), DIGEST)
    assert store.read(DIGEST) == CONTENT


async def test_every_commit_of_sqlite_is_synced(database: Database) -> None:
    async with database.engine.connect() as connection:
        found = (await connection.exec_driver_sql("PRAGMA synchronous")).scalar_one()
        journal = (await connection.exec_driver_sql("PRAGMA journal_mode")).scalar_one()
    assert (found, journal) == (2, "wal")  # 2 is FULL: SQLite syncs its log before a commit returns.


STORE = """
import sys
from pathlib import Path
from mailroom.storage.artifacts import ArtifactStore

ArtifactStore(Path(sys.argv[1])).put(b"x" * 300_000)
"""


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed.")
def test_the_kernel_sees_write_sync_rename_sync_in_this_order(tmp_path: Path) -> None:
    """The same once more without our recorder: what the kernel was really asked for."""
    log, root = tmp_path / "log", tmp_path / "artifacts"
    traced = ["strace", "-f", "-y", "-o", str(log), "-e", "trace=write,fsync,rename,renameat,renameat2"]
    done = subprocess.run(
        [*traced, sys.executable, "-c", STORE, str(root)], capture_output=True, text=True, check=False
    )
    if done.returncode and "ptrace" in done.stderr:
        pytest.skip("This machine lets nobody trace a process.")
    assert done.returncode == 0, done.stderr
    digest = hashlib.sha256(b"x" * 300_000).hexdigest()
    folder = str(root / digest[:2])
    calls = [line.split(maxsplit=1)[1] for line in log.read_text().splitlines() if folder in line]
    kinds = [re.split(r"[(0-9]", call.removeprefix("<... "))[0] for call in calls]
    # The last four: the folder's own making comes before, and each write of the content counts once.
    assert [kind.removesuffix("at") for kind in kinds if kind != "write"][-3:] == ["fsync", "rename", "fsync"]
    first_sync = max(index for index, call in enumerate(calls) if call.startswith("fsync") and "/." in call)
    assert all(kind != "write" for kind in kinds[first_sync:])
    assert "write" in kinds[:first_sync]
