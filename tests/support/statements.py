"""Record what an engine asks of its database, transaction by transaction, so that a test can count it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.storage.database import Database


@dataclass
class Recorder:
    """The transactions in the order of their beginnings, each with its statements, written on one line."""

    transactions: list[list[str]] = field(default_factory=list)

    @property
    def statements(self) -> int:
        """Return how many statements there were in all."""
        return sum(map(len, self.transactions))

    def __str__(self) -> str:
        lines = []
        for number, statements in enumerate(self.transactions, start=1):
            lines.append(f"{number}. {len(statements)} statements")
            lines += [f"     {_short(statement)}" for statement in statements]
        return "\n".join([*lines, f"{len(self.transactions)} transactions, {self.statements} statements"])


def _short(statement: str) -> str:
    """Leave the list of columns out, so that a line fits."""
    return re.sub(r"^(SELECT) .*? (FROM) |(RETURNING) .*", r"\1 … \2 \3", statement)[:200]


@contextmanager
def recorded(database: Database) -> Iterator[Recorder]:
    """Record every transaction that this engine begins within the block. Pragmas of new connections do not count."""
    recorder, under_way = Recorder(), dict[int, list[str]]()

    def begin(connection: Any) -> None:
        under_way[id(connection)] = []
        recorder.transactions.append(under_way[id(connection)])

    def execute(connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.lstrip().upper().startswith("PRAGMA"):
            under_way[id(connection)].append(" ".join(statement.split()))

    engine = database.engine.sync_engine
    event.listen(engine, "begin", begin)
    event.listen(engine, "before_cursor_execute", execute)
    try:
        yield recorder
    finally:
        event.remove(engine, "begin", begin)
        event.remove(engine, "before_cursor_execute", execute)


@dataclass
class Steps:
    """Count the steps of its machine that SQLite has taken, to the next ten."""

    count: int = 0


@asynccontextmanager
async def steps_of_sqlite(session: AsyncSession) -> AsyncIterator[Steps]:
    """Count the steps that SQLite takes for this session: they show how much a query reads, on any machine."""
    steps = Steps()

    def took_ten() -> None:
        steps.count += 10

    raw = await (await session.connection()).get_raw_connection()
    connection = raw.driver_connection
    assert connection is not None
    await connection.set_progress_handler(took_ten, 10)
    try:
        yield steps
    finally:
        await connection.set_progress_handler(None, 0)
