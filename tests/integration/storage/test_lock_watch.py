"""Whoever holds SQLite's write lock for long, or waits long for it, is named in the log."""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, OperationalError

from mailroom.storage.database import Database
from mailroom.storage.sqlite import lock_watch


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """Make a database with one row."""
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'some.db'}")
    async with database.session() as session:
        await session.execute(text("CREATE TABLE t (x INTEGER)"))
        await session.execute(text("INSERT INTO t VALUES (0)"))
    yield database
    await database.close()


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock_watch, "HELD_SECONDS", 0.2)
    monkeypatch.setattr(lock_watch, "WAITED_SECONDS", 0.2)


def _told(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [
        record.getMessage()
        for record in caplog.records
        if record.name == lock_watch.__name__ and record.levelno == logging.WARNING
    ]


async def _change_and_wait(database: Database, seconds: float) -> None:
    async with database.session() as session:
        await session.execute(text("UPDATE t SET x = 1"))
        await asyncio.sleep(seconds)
        await session.execute(text("UPDATE t SET x = 2"))


async def test_a_transaction_that_waits_for_something_else_is_named(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    await asyncio.create_task(_change_and_wait(database, 0.3))
    (told,) = _told(caplog)
    assert f"Process {os.getpid()} held" in told
    assert "_change_and_wait" in told
    assert "0.0 s of that in its 2 statements" in told
    assert told.index("SET x = 1") < told.index("SET x = 2")


async def test_a_broken_off_transaction_is_named_too(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    async def broken_off() -> None:
        async with database.session() as session:
            await session.execute(text("UPDATE t SET x = 1"))
            await asyncio.sleep(60)

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(broken_off(), 0.3)
    assert len(_told(caplog)) == 1


async def test_short_transactions_and_long_reads_are_not_named(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    await _change_and_wait(database, 0)
    async with database.session() as session:
        await session.execute(text("SELECT x FROM t"))
        await asyncio.sleep(0.3)
    assert _told(caplog) == []


async def test_only_the_time_since_the_first_change_counts(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    async with database.session() as session:
        await session.execute(text("SELECT x FROM t"))
        await asyncio.sleep(0.3)
        await session.execute(text("UPDATE t SET x = 1"))
    assert _told(caplog) == []


async def test_a_savepoint_has_no_lock_yet_but_its_refused_change_has(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    async with database.session() as session:
        await session.execute(text("CREATE UNIQUE INDEX only_once ON t (x)"))

    async def insert_again(before: float, after: float) -> None:
        async with database.session() as session:
            try:
                async with session.begin_nested():
                    await asyncio.sleep(before)
                    await session.execute(text("INSERT INTO t VALUES (0)"))
            except IntegrityError:
                await asyncio.sleep(after)

    await insert_again(0.3, 0)
    assert _told(caplog) == []
    await insert_again(0, 0.3)
    (told,) = _told(caplog)
    assert "INSERT INTO t VALUES (0)" in told


async def test_a_long_wait_is_told(database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    other = sqlite3.connect(tmp_path / "some.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    changing = asyncio.create_task(_change_and_wait(database, 0))
    await asyncio.sleep(0.4)
    other.execute("ROLLBACK")
    await changing
    other.close()
    (told,) = _told(caplog)
    assert "waited" in told
    assert "in vain" not in told
    assert "_change_and_wait" in told
    assert "UPDATE t SET x = 1" in told


async def test_a_wait_in_vain_is_told(database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    other = sqlite3.connect(tmp_path / "some.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    async def change() -> None:
        async with database.session() as session:
            await session.execute(text("PRAGMA busy_timeout=300"))
            await session.execute(text("UPDATE t SET x = 1"))

    with pytest.raises(OperationalError):
        await change()
    other.close()
    (told,) = _told(caplog)
    assert "in vain" in told
    assert sys.platform != "linux" or f"held by process {os.getpid()} " in told
