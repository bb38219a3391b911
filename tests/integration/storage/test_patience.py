"""Transactions of a pass, whose database is busy or away for a while."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, InterfaceError, OperationalError
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.errors import Unavailable
from mailroom.storage import contention
from mailroom.storage.database import Database
from mailroom.storage.patience import RECEIPT, STEP

LOCKED = OperationalError("UPDATE t", {}, sqlite3.OperationalError("database is locked"))
AWAY = InterfaceError("UPDATE t", {}, Exception("connection is closed"))
REFUSED = IntegrityError("UPDATE t", {}, sqlite3.IntegrityError("UNIQUE constraint failed"))
NO_PAUSES = (0.0, 0.0)


@pytest.fixture
async def counting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Database:
    """A database with a counter; a busy one is given up at once by `transact`."""
    monkeypatch.setattr(contention, "_PAUSES", ())
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'some.db'}")
    async with database.session() as session:
        await session.execute(text("CREATE TABLE t (x INTEGER)"))
        await session.execute(text("INSERT INTO t VALUES (0)"))
    return database


async def _counted(database: Database) -> int:
    async with database.session() as session:
        return int((await session.scalars(text("SELECT x FROM t"))).one())


@pytest.mark.parametrize("error", [LOCKED, AWAY, ConnectionRefusedError()], ids=["busy", "gone", "not there"])
async def test_an_outage_is_outlasted_and_the_transaction_counts_once(counting: Database, error: Exception) -> None:
    left = [error, error]

    async def body(session: AsyncSession) -> str:
        await session.execute(text("UPDATE t SET x = x + 1"))
        if left:
            raise left.pop()
        return "done"

    assert await counting.transact_patiently(body, "A test", pauses=NO_PAUSES) == "done"
    assert await _counted(counting) == 1


@pytest.mark.parametrize(("error", "told"), [(LOCKED, Unavailable), (AWAY, InterfaceError)], ids=["busy", "gone"])
async def test_an_outage_without_end_is_told(counting: Database, error: Exception, told: type[Exception]) -> None:
    tries = []

    async def body(_session: AsyncSession) -> None:
        tries.append(1)
        raise error

    with pytest.raises(told):
        await counting.transact_patiently(body, "A test", pauses=NO_PAUSES)
    assert len(tries) == len(NO_PAUSES) + 1


@pytest.mark.parametrize("error", [REFUSED, ZeroDivisionError()], ids=["refused", "our own"])
async def test_what_would_stay_is_not_tried_again(counting: Database, error: Exception) -> None:
    tries = []

    async def body(_session: AsyncSession) -> None:
        tries.append(1)
        raise error

    with pytest.raises(type(error)):
        await counting.transact_patiently(body, "A test", pauses=NO_PAUSES)
    assert len(tries) == 1


def test_a_receipt_is_kept_for_minutes() -> None:
    assert sum(STEP) < 30
    assert sum(RECEIPT) > 120
