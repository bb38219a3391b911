"""A schedule that is paused while its mail is under way, and one that is resumed afterwards."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from mailroom.schedules import service as schedules
from mailroom.states import DeliveryState, ExecutionState
from mailroom.storage.database import new_id

if TYPE_CHECKING:
    from tests.integration.passes.conftest import Desk

ADA, BOB = "ada@example.com", "bob@example.com"


async def test_nothing_leaves_when_the_schedule_is_paused_before_the_data(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server is slow to accept the recipient: until it has, nothing of the mail itself has left."""
    schedule = await desk.schedule(destinations=[{"channel": "email", "connection": "smtp", "to": [ADA]}])
    execution = await desk.requested(schedule)
    arrived, go_on = asyncio.Event(), asyncio.Event()
    accept = desk.mailbox.handle_RCPT

    async def slow(*arguments: Any) -> str:
        arrived.set()
        await go_on.wait()
        return await accept(*arguments)

    monkeypatch.setattr(desk.mailbox, "handle_RCPT", slow)
    work = asyncio.create_task(desk.run_pass(schedule, execution))
    await asyncio.wait_for(arrived.wait(), 60)
    async with desk.database.session() as session:
        await schedules.pause(session, schedule.id, desk.context())
    go_on.set()
    await work
    assert desk.mailbox.taken() == []
    assert (await desk.deliveries())[ADA].status is DeliveryState.SUPPRESSED


async def test_a_person_can_retry_what_a_pause_suppressed_once_it_is_resumed(desk: Desk) -> None:
    schedule = await desk.schedule()
    execution, run_id = await desk.requested(schedule), new_id()
    desk.mailbox.replies[BOB] = "451 later"
    await desk.run_pass(schedule, execution, run_id=run_id)
    async with desk.database.session() as session:
        await schedules.pause(session, schedule.id, desk.context())
    desk.mailbox.replies.clear()
    await desk.due_now()
    await desk.run_pass(schedule, execution, run_id=run_id)
    assert (await desk.deliveries())[BOB].status is DeliveryState.SUPPRESSED
    async with desk.database.session() as session:
        await schedules.resume(session, schedule.id, desk.context())
    await desk.run_pass(schedule, execution, run_id=run_id)
    assert desk.mailbox.taken() == [ADA, BOB]
    assert (await desk.execution()).status is ExecutionState.SUCCESS
