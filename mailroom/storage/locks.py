"""Locks that hold on both databases. SQLite knows no `FOR UPDATE`, and begins a transaction with its first write.

Every transaction takes its locks in one order, so that two never wait for each other: calendar, report, user,
schedule, execution, the turns of a connection, delivery, attempt, the breaker of a connection. Of one kind, several are
locked in the order of one query. What is only known after a later lock was taken is read without a lock first, and
compared once it is held; where it has changed, the transaction is run again (`contention.Overtaken`).
"""

from __future__ import annotations

from typing import TypeVar

from sqlalchemy import ScalarSelect, false, update
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.storage.model.drafts import ScheduleDraft, ScheduleTemplate
from mailroom.storage.tables import Execution, Schedule, User

Row = TypeVar("Row", Schedule, Execution, User, ScheduleDraft, ScheduleTemplate)


async def hold(session: AsyncSession, table: type[Row], row_id: str | ScalarSelect[str]) -> Row | None:
    """Keep others from changing the row until the transaction ends, and return it as it is then; None: there is none.

    A write that changes nothing: it takes SQLite's one lock; on Postgres it locks the row.
    """
    query = update(table).where(table.id == row_id).values(id=table.id).returning(table)
    options = {"synchronize_session": False, "populate_existing": True}
    return (await session.scalars(query, execution_options=options)).one_or_none()


async def before_reading(session: AsyncSession) -> None:
    """Keep other writers away until the transaction ends: all of them on SQLite; on Postgres, `FOR UPDATE` does it."""
    if session.get_bind().dialect.name == "sqlite":
        await session.execute(
            update(Schedule).where(false()).values(id="").execution_options(synchronize_session=False)
        )
