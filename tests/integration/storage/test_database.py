"""The database after a transaction that was broken off."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from pathlib import Path

import pytest
from sqlalchemy import text

from mailroom.storage.database import Database


async def test_a_cancelled_transaction_leaves_no_lock(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Wherever it is cancelled; the second half of the places lies within statements, while the database works."""
    caplog.set_level(logging.CRITICAL)  # SQLAlchemy tells of each one.
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'some.db'}")

    async def write() -> None:
        async with database.session() as session:
            await session.execute(text("INSERT INTO t VALUES (1)"))
            await session.execute(text("SELECT * FROM t"))
            await session.execute(text("UPDATE t SET x = 2 RETURNING x"))

    async with database.session() as session:
        await session.execute(text("CREATE TABLE t (x)"))
    for place in range(120):
        broken_off = asyncio.create_task(write())
        for _ in range(place % 40):
            await asyncio.sleep(0)
        if place >= 40:
            await asyncio.sleep(0.0002 * (place % 9))
        broken_off.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await broken_off
        async with asyncio.timeout(14):  # Less than SQLite waits for a lock.
            await write()
    await database.close()
