"""Count the sample data, and take it away."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from api.actions.caller import Caller
from embedded.sample_history import remove as removing
from mailroom.states import ScheduleState
from mailroom.storage.tables import Execution, Schedule


@dataclass(frozen=True, slots=True)
class Samples:
    """The number of sample schedules, and of the runs in their history."""

    schedules: int
    runs: int

    def __bool__(self) -> bool:
        """Tell whether there is any sample data."""
        return bool(self.schedules or self.runs)


async def count(caller: Caller) -> Samples:
    """Count the sample data."""
    there = (Schedule.is_sample, Schedule.state != ScheduleState.DELETED)
    alive = select(func.count()).select_from(Schedule).where(*there)
    theirs = select(Schedule.id).where(Schedule.is_sample)
    runs = select(func.count()).select_from(Execution).where(Execution.schedule_id.in_(theirs))
    async with caller.session() as session:
        return Samples((await session.execute(alive)).scalar_one(), (await session.execute(runs)).scalar_one())


async def remove(caller: Caller) -> int:
    """Delete every sample schedule with its history; return how many schedules were deleted."""

    async def change(session: AsyncSession) -> int:
        return await removing.remove(session, caller.context)

    return await caller.transact(change)
