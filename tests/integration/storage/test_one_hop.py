"""SQLite by one hop a statement: the same results as by SQLAlchemy's own adapter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from mailroom.storage.sqlite import one_hop


async def _results(engine: AsyncEngine) -> list[Any]:
    told: list[Any] = []
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE one (id INTEGER PRIMARY KEY, word TEXT UNIQUE)"))
        several = [{"word": word} for word in ("a", "b", "ü")]
        told.append((await connection.execute(text("INSERT INTO one (word) VALUES (:word)"), several)).rowcount)
        added = await connection.execute(text("INSERT INTO one (word) VALUES ('d')"))
        told += [added.rowcount, added.lastrowid]
        back = await connection.execute(text("UPDATE one SET word = word || '!' WHERE id < 3 RETURNING id, word"))
        told.append(sorted(tuple(row) for row in back))
        told.append((await connection.execute(text("DELETE FROM one WHERE id > 90"))).rowcount)
        rows = await connection.execute(text("SELECT id, word FROM one ORDER BY id"))
        told += [list(rows.keys()), [tuple(row) for row in rows]]
        streamed = await connection.stream(text("SELECT id FROM one ORDER BY id"))
        told.append([row[0] async for row in streamed])
    async with engine.connect() as connection:
        await connection.execute(text("INSERT INTO one (word) VALUES ('e')"))
        with pytest.raises(IntegrityError):
            await connection.execute(text("INSERT INTO one (word) VALUES ('ü')"))
    async with engine.connect() as connection:
        await connection.execute(text("INSERT INTO one (word) VALUES ('not kept')"))
        await connection.rollback()
        told.append((await connection.execute(text("SELECT count(*) FROM one"))).scalar_one())
        await connection.execute(text("INSERT INTO one (word) VALUES ('not kept either')"))
    async with engine.connect() as connection:
        told.append((await connection.execute(text("SELECT count(*) FROM one"))).scalar_one())
    await engine.dispose()
    return told


async def test_results_are_those_of_the_adapter(tmp_path: Path) -> None:
    plain = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'plain.db'}")
    ours = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'ours.db'}")
    event.listen(ours.sync_engine, "do_connect", one_hop.connect)
    told = await _results(ours)
    assert told == await _results(plain)
    assert told[-2:] == [4, 4]
