"""A schedule that is paused while its mail is under way, and one that is resumed afterwards."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from mailroom.schedules import service as schedules
from mailroom.schedules.deletions import undo
from mailroom.states import DeliveryState, ExecutionState
from mailroom.storage.database import new_id

if TYPE_CHECKING:
    from tests.support.environment import Environment

ADA, BOB = "ada@example.com", "bob@example.com"


async def test_nothing_leaves_when_the_schedule_is_paused_before_the_data(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server is slow to accept the recipient: until it has, nothing of the mail itself has left."""
    schedule = await environment.create(destinations=[{"channel": "email", "connection": "smtp", "to": [ADA]}])
    execution = await environment.request(schedule)
    arrived, go_on = asyncio.Event(), asyncio.Event()
    accept = environment.mail.handle_RCPT

    async def slow(*arguments: Any) -> str:
        arrived.set()
        await go_on.wait()
        return await accept(*arguments)

    monkeypatch.setattr(environment.mail, "handle_RCPT", slow)
    work = asyncio.create_task(environment.run_pass(schedule, execution))
    await asyncio.wait_for(arrived.wait(), 60)
    async with environment.database.session() as session:
        await schedules.pause(session, schedule.id, environment.context())
    go_on.set()
    await work
    assert environment.mail.taken() == []
    assert (await environment.deliveries())[ADA].status is DeliveryState.SUPPRESSED


@pytest.mark.parametrize(
    ("stop", "go_on"), [(schedules.pause, schedules.resume), (schedules.delete, undo.undelete)], ids=["pause", "delete"]
)
async def test_a_person_can_retry_what_was_suppressed_once_it_goes_on(
    environment: Environment, stop: Any, go_on: Any
) -> None:
    schedule = await environment.create()
    execution, run_id = await environment.request(schedule), new_id()
    environment.mail.replies[BOB] = "451 later"
    await environment.run_pass(schedule, execution, run_id=run_id)
    async with environment.database.session() as session:
        await stop(session, schedule.id, environment.context())
    environment.mail.replies.clear()
    await environment.due_now()
    await environment.run_pass(schedule, execution, run_id=run_id)
    assert (await environment.deliveries())[BOB].status is DeliveryState.SUPPRESSED
    async with environment.database.session() as session:
        await go_on(session, schedule.id, environment.context())
    await environment.run_pass(schedule, execution, run_id=run_id)
    assert environment.mail.taken() == [ADA, BOB]
    assert (await environment.execution()).status is ExecutionState.SUCCESS
