"""One async engine a process, and the column types that SQLite and Postgres share."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import cache
from typing import Any, TypeVar, cast

from sqlalchemy import JSON, DateTime, Dialect, event
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.types import TypeDecorator

from mailroom.storage.contention import giving_way
from mailroom.storage.hosts import clock as database_clock
from mailroom.storage.hosts import lost
from mailroom.storage.hosts.clock import DatabaseClock
from mailroom.storage.patience import STEP, outlast
from mailroom.storage.sqlite import one_hop
from mailroom.storage.sqlite.lock_watch import watch_write_lock
from mailroom.storage.sqlite.one_hop import OneHopConnection

Result = TypeVar("Result")
JsonColumn = JSON().with_variant(JSONB(), "postgresql")
JsonOrNull = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
"""A JSON column that keeps None as NULL; `JsonColumn` keeps it as the JSON word null."""


class Instant(TypeDecorator[datetime]):
    """An instant, always aware and in UTC; naive values are refused. SQLite keeps it as UTC text."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"A naive time was about to be stored: {value!r}.")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def new_id() -> str:
    """Return a fresh random identifier: 36 characters."""
    return str(uuid.uuid4())


def _tune_sqlite(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    """Let SQLite read beside one writer, wait instead of failing, and hold foreign keys, which it leaves off.

    Each commit is synced (`synchronous=FULL`): after a power cut a ledger without its last receipts would deliver anew
    what was confirmed, and a schedule that was answered with 201 would be gone.
    """
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "busy_timeout=15000", "foreign_keys=ON", "synchronous=FULL"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _roll_back(connection: DBAPIConnection, _entry: ConnectionPoolEntry, _error: BaseException | None) -> None:
    """Give the write lock back before a connection is dropped whose use was cancelled.

    SQLite keeps the transaction of a connection that is closed in the middle of a statement: nobody else could write
    until the process ends.
    """
    ours = cast(OneHopConnection, connection)
    with contextlib.suppress(Exception, asyncio.CancelledError):  # It is dropped all the same, and may be broken.
        ours.undo()


class Database:
    """The engine and its transactions. Commits happen at the edge.

    `transact` is for whatever writes. `transact_patiently` is for the steps of a pass, see `patience`. `session` is for
    reading. `now` tells the time that all hosts agree on, and `clock` how far this host's own is from it.
    """

    def __init__(self, url: str, *, clock: DatabaseClock | None = None) -> None:
        self.clock = clock or DatabaseClock()
        sqlite = url.startswith("sqlite")
        options: dict[str, Any] = {} if sqlite else {"pool_size": 5, "max_overflow": 10, "pool_pre_ping": True}
        self.engine = create_async_engine(url, **options)
        if sqlite:
            event.listen(self.engine.sync_engine, "do_connect", one_hop.connect)
            event.listen(self.engine.sync_engine, "connect", _tune_sqlite)
            event.listen(self.engine.sync_engine, "invalidate", _roll_back)
            watch_write_lock(self.engine.sync_engine)
        else:
            lost.watch(self.engine.sync_engine)
            database_clock.watch(self.engine.sync_engine, self.clock)
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False)

    def now(self) -> datetime:
        """Return the time by the database's clock, which every process of an installation tells alike."""
        return self.clock.now()

    async def agree_on_time(self) -> None:
        """Ask the database for its time before anything is decided by it; nothing is done where it is known.

        Raises:
            DBAPIError, OSError: the database does not answer.
        """
        if not self.clock.is_known and self.engine.dialect.name != "sqlite":
            async with self.engine.connect():
                pass  # The use of a connection measures.

    @asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncSession]:
        """Open a session that commits at the end, or rolls back when the block raises."""
        async with self._sessions() as session, session.begin():
            yield session

    async def transact(self, body: Callable[[AsyncSession], Awaitable[Result]]) -> Result:
        """Run `body` in a transaction and return its result; after a deadlock or a busy database run it again.

        For work that may be done over from its beginning: `body` does nothing outside the database.

        Raises:
            Unavailable: others kept the database from doing it, several times.
        """
        return await giving_way(self.session, body)

    async def transact_patiently(
        self, body: Callable[[AsyncSession], Awaitable[Result]], what: str, *, pauses: Sequence[float] = STEP
    ) -> Result:
        """Do the same, and also outlast a database that is away for a while.

        Args:
            what: names the transaction in the log.
            pauses: how long it is tried again, see `patience`.

        Raises:
            Unavailable, DBAPIError, OSError: the database did not take it in that time.
        """
        return await outlast(lambda: self.transact(body), what, pauses)

    async def close(self) -> None:
        """Give every connection back; the next session opens new ones, on whichever event loop it runs."""
        await self.engine.dispose()


@cache
def of_process(url: str) -> Database:
    """Return this process's one engine for a database. It keeps compiled statements, a fifth of a short run's CPU."""
    return Database(url)
