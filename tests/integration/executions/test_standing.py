"""The question whether anything may still leave, while somebody else holds the execution."""

from __future__ import annotations

import asyncio

import pytest

from mailroom.executions import lifecycle, overlap
from mailroom.executions import repository as executions
from mailroom.states import ExecutionState, ScheduleState
from mailroom.stops.coverage import stopping
from mailroom.storage.database import Database, new_id
from mailroom.storage.tables import Execution, Schedule, User
from tests.integration.conftest import NOW

NO_STOP = stopping(schedule_id="", report_id="", connection="")


async def _execution(ledger: Database, schedule: Schedule) -> Execution:
    async with ledger.session() as session:
        return await lifecycle.insert_occurrence(session, schedule.id, NOW, flow_run_id=new_id(), now=NOW)


async def test_it_tells_of_the_execution_its_schedule_and_its_owner(ledger: Database, schedule: Schedule) -> None:
    execution = await _execution(ledger, schedule)
    async with ledger.session() as session:
        standing = await overlap.standing(session, execution.id, NO_STOP)
    assert (standing.execution.id, standing.execution.status) == (execution.id, ExecutionState.PENDING)
    assert (standing.schedule_state, standing.owner.is_active) == (ScheduleState.ACTIVE, True)
    async with ledger.session() as session:
        owner = await session.get(User, schedule.user_id)
        assert owner is not None
        owner.is_active = False
    async with ledger.session() as session:
        assert not (await overlap.standing(session, execution.id, NO_STOP)).owner.is_active


@pytest.mark.parametrize("ledger", ["postgres"], indirect=True)
async def test_an_answer_that_had_to_wait_is_as_young_as_the_lock(ledger: Database, schedule: Schedule) -> None:
    """It waits for whoever holds the execution, and meanwhile the schedule is paused. SQLite has no such lock."""
    execution = await _execution(ledger, schedule)
    asked = asyncio.Event()

    async def ask() -> ScheduleState:
        async with ledger.session() as session:
            asked.set()
            return (await overlap.standing(session, execution.id, NO_STOP)).schedule_state

    async with ledger.session() as holder:
        await executions.get(holder, execution.id, lock=True)
        answer = asyncio.create_task(ask())
        await asked.wait()
        done, _ = await asyncio.wait({answer}, timeout=1)
        assert not done, "it waits for the lock"
        paused = await holder.get(Schedule, schedule.id)
        assert paused is not None
        paused.state = ScheduleState.PAUSED
    assert await answer is ScheduleState.PAUSED
