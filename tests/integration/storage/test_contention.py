"""Transactions that get into each other's way, on real databases."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.errors import Unavailable
from mailroom.storage import contention
from mailroom.storage.contention import Overtaken
from mailroom.storage.database import Database

LOCKED = OperationalError("UPDATE t", {}, sqlite3.OperationalError("database is locked"))


@pytest.fixture(params=["sqlite", "postgres"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """A database with two rows, once on SQLite and once on Postgres."""
    sqlite = f"sqlite+aiosqlite:///{tmp_path / 'some.db'}"
    database = Database(sqlite if request.param == "sqlite" else request.getfixturevalue("fresh_postgres"))
    async with database.session() as session:
        await session.execute(text("CREATE TABLE t (id INTEGER PRIMARY KEY, x INTEGER)"))
        await session.execute(text("INSERT INTO t VALUES (1, 0), (2, 0)"))
    yield database
    await database.close()


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contention, "_PAUSES", (0.0, 0.0, 0.0))


async def _rows(database: Database) -> list[int]:
    async with database.session() as session:
        return list((await session.scalars(text("SELECT x FROM t ORDER BY id"))).all())


async def test_of_two_that_wait_for_each_other_both_are_done(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """Each adds one to both rows, in opposite orders, and goes on when the other one has its first row, or waits."""
    both = {1: asyncio.Event(), 2: asyncio.Event()}

    def add(first: int, second: int) -> asyncio.Task[None]:
        async def body(session: AsyncSession) -> None:
            await session.execute(text("UPDATE t SET x = x + 1 WHERE id = :id"), {"id": first})
            both[first].set()
            # On SQLite the other one waits for its first row.
            await asyncio.wait([asyncio.ensure_future(both[second].wait())], timeout=1)
            await session.execute(text("UPDATE t SET x = x + 1 WHERE id = :id"), {"id": second})

        return asyncio.ensure_future(database.transact(body))

    await asyncio.gather(add(1, 2), add(2, 1))
    assert await _rows(database) == [2, 2]
    met = [record for record in caplog.records if record.name == contention.__name__]
    # More than one where the second try takes its first row before the other one has been woken.
    assert bool(met) is (database.engine.dialect.name == "postgresql")


@pytest.mark.parametrize("error", [LOCKED, Overtaken()], ids=["busy", "overtaken"])
async def test_what_was_broken_off_is_done_over_from_its_beginning(
    database: Database, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    left = [error, error]

    async def body(session: AsyncSession) -> str:
        await session.execute(text("UPDATE t SET x = x + 1"))
        if left:
            raise left.pop()
        return "done"

    assert await database.transact(body) == "done"
    assert await _rows(database) == [1, 1]
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 2


async def test_a_database_that_stays_busy_is_given_up_after_four_tries(database: Database) -> None:
    tries = []

    async def body(session: AsyncSession) -> None:
        tries.append(await session.execute(text("UPDATE t SET x = 7")))
        raise LOCKED

    with pytest.raises(Unavailable) as caught:
        await database.transact(body)
    assert caught.value.__cause__ is LOCKED
    assert len(tries) == 4
    assert await _rows(database) == [0, 0]


async def test_no_further_try_begins_late(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contention, "_ENOUGH", 0.0)
    tries = []

    async def body(_session: AsyncSession) -> None:
        tries.append(1)
        raise LOCKED

    with pytest.raises(Unavailable):
        await database.transact(body)
    assert len(tries) == 1


async def test_another_error_is_not_tried_again(database: Database) -> None:
    tries = []

    async def body(session: AsyncSession) -> None:
        tries.append(1)
        await session.execute(text("INSERT INTO t VALUES (1, 1)"))

    with pytest.raises(IntegrityError):
        await database.transact(body)
    assert len(tries) == 1


async def test_a_lock_held_by_another_program_is_waited_for(tmp_path: Path) -> None:
    """The real error of SQLite, whose own patience is cut to nothing here."""
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'some.db'}")
    async with database.session() as session:
        await session.execute(text("CREATE TABLE t (x INTEGER)"))
    other = sqlite3.connect(tmp_path / "some.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    tries = []

    async def body(session: AsyncSession) -> None:
        tries.append(1)
        if len(tries) == 3:
            other.execute("ROLLBACK")
        await session.execute(text("PRAGMA busy_timeout=0"))
        await session.execute(text("INSERT INTO t VALUES (1)"))

    await database.transact(body)
    assert len(tries) == 3
    other.close()
    await database.close()
