"""The store of files on a share: hosts that write the same, that look too early, and that look at another folder."""

from __future__ import annotations

import hashlib
import os
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mailroom.storage.artifacts import ArtifactStore
from mailroom.storage.database import Database
from mailroom.storage.hosts import marker
from mailroom.storage.hosts.marker import Shared

CONTENT = b"rendered" * 4096
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(params=["sqlite", "postgres"])
async def tables(request: pytest.FixtureRequest, migrated_url: Callable[[str], str]) -> AsyncIterator[Database]:
    """Make a migrated database, once on SQLite and once on Postgres."""
    database = Database(migrated_url(request.param))
    yield database
    await database.close()


def test_hosts_that_write_the_same_content_at_once_leave_one_whole_file(tmp_path: Path) -> None:
    stores = [ArtifactStore(tmp_path) for _ in range(8)]
    with ThreadPoolExecutor(8) as hosts:
        assert set(hosts.map(lambda store: store.put(CONTENT), stores)) == {SHA256}
    assert [file.name for file in tmp_path.rglob("*") if file.is_file()] == [SHA256]
    assert stores[0].read(SHA256) == CONTENT


def test_a_rename_whose_answer_the_share_has_lost_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rename = os.replace

    def loses_the_answer(self: Path, target: Path) -> Path:
        rename(self, target)
        raise FileNotFoundError(self)

    monkeypatch.setattr(Path, "replace", loses_the_answer)
    store = ArtifactStore(tmp_path)
    assert store.read(store.put(CONTENT)) == CONTENT


def test_a_rename_that_really_failed_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(self: Path, _target: Path) -> Path:
        raise FileNotFoundError(self)

    monkeypatch.setattr(Path, "replace", fails)
    with pytest.raises(FileNotFoundError):
        ArtifactStore(tmp_path).put(CONTENT)


def test_a_file_that_a_share_remembers_as_missing_is_looked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ArtifactStore(tmp_path)
    store.put(CONTENT)
    listed: list[object] = []
    scandir, is_file = os.scandir, Path.is_file

    def lists(folder: Path) -> object:
        listed.append(folder)
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", lists)
    # The share answers from memory until the folder is listed.
    monkeypatch.setattr(Path, "is_file", lambda self: bool(listed) and is_file(self))
    assert store.find(SHA256) == store.path(SHA256)
    assert listed == [store.path(SHA256).parent]


async def test_a_host_that_looks_at_another_folder_is_found(tables: Database, tmp_path: Path) -> None:
    share, elsewhere = tmp_path / "share", tmp_path / "elsewhere"
    assert await marker.adopt(tables, share) is Shared.YES
    assert await marker.adopt(tables, share) is Shared.YES
    assert await marker.adopt(tables, elsewhere) is Shared.MISSING
    assert not (elsewhere / marker.NAME).exists(), "a share that is not mounted gets no mark"
    elsewhere.mkdir()
    (elsewhere / marker.NAME).write_text("another store\n")
    assert await marker.adopt(tables, elsewhere) is Shared.OTHER
    assert await marker.adopt(tables, elsewhere, anew=True) is Shared.YES
    assert await marker.adopt(tables, share) is Shared.YES, "the mark is the same; both may be copies of one store"
