"""Write and read signs of life. All of a process are written by one statement."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import fields
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.heartbeats.spec import WORKERS, Beat
from mailroom.storage.inserting import insert_into
from mailroom.storage.model.upkeep.heartbeats import Heartbeat

_COLUMNS = tuple(field.name for field in fields(Beat))


async def write(session: AsyncSession, beats: Sequence[Beat]) -> None:
    """Write these signs of life in place of the ones before."""
    rows = [{column: getattr(beat, column) for column in _COLUMNS} | {"detail": dict(beat.detail)} for beat in beats]
    query = insert_into(session, Heartbeat).values(rows)
    changes = {column: query.excluded[column] for column in _COLUMNS if column not in ("name", "process")}
    await session.execute(query.on_conflict_do_update(index_elements=["name", "process"], set_=changes))


async def every(session: AsyncSession) -> list[Beat]:
    """Return the last signs of life of all loops of all processes."""
    rows = await session.execute(select(*(getattr(Heartbeat, column) for column in _COLUMNS)))
    return [Beat(*row) for row in rows]


async def one(session: AsyncSession, name: str, process: str) -> Beat | None:
    """Return the last sign of life of one loop of one process; None where there was none."""
    query = select(*(getattr(Heartbeat, column) for column in _COLUMNS))
    row = (await session.execute(query.where(Heartbeat.name == name, Heartbeat.process == process))).one_or_none()
    return Beat(*row) if row else None


async def end(session: AsyncSession, processes: Collection[str]) -> None:
    """Remove what these processes have written: nobody is to miss them."""
    await session.execute(delete(Heartbeat).where(Heartbeat.process.in_(processes)))


async def forget(session: AsyncSession, *, before: datetime) -> None:
    """Remove the processes that were last heard before this moment, which nobody expects back.

    What stands for the workers stays: some worker is always expected.
    """
    heard = select(Heartbeat.process).where(Heartbeat.last_success >= before)
    query = delete(Heartbeat).where(Heartbeat.process != WORKERS, Heartbeat.process.not_in(heard))
    await session.execute(query)
