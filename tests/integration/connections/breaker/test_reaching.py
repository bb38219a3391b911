"""A far side that does not work is reached for without a delivery, by one process, until it is back."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select, update

from deployments.reach_loop import reach_loop
from embedded.ports import free_port
from mailroom.connections import service as connections
from mailroom.connections.breaker import reaching
from mailroom.connections.breaker.reach import EVERY
from mailroom.connections.spec import NewConnection
from mailroom.settings import CHECKOUT
from mailroom.states import BreakerState, ExecutionState
from mailroom.storage.database import Database, new_id
from mailroom.storage.model.connection_health import ConnectionHealth
from mailroom.storage.tables import AuditEvent, Execution
from prefect_mailroom.errors import RetryLater
from tests.integration.connections.breaker.conftest import NAME
from tests.support.smtp import PASSWORD, USERNAME, SmtpServer, smtp_settings
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from tests.integration.connections.breaker.conftest import Line
    from tests.support.environment import Environment

on_both = pytest.mark.parametrize("database", ["sqlite", "postgres"], indirect=True)
DOWN = RetryLater("The far side is down.")
LATER = timedelta(minutes=20)


async def _look(line: Line, after: timedelta = timedelta()) -> list[str]:
    now = line.environment.now() + after
    return await reaching.look(line.environment.database, line.environment.settings, clock=lambda: now)


async def _health(line: Line) -> ConnectionHealth:
    found = await line.health()
    assert found is not None
    return found


@on_both
async def test_a_far_side_that_is_back_is_tried_at_once_and_what_waits_goes_on(line: Line) -> None:
    await line.make()
    await line.open(DOWN)
    schedule, run_id = await line.schedule(1), new_id()
    execution = await line.environment.request(schedule)
    await line.work(schedule, execution, run_id)
    due_at = line.environment.now() + LATER
    await line.set_health(trips=6, probe_at=due_at)

    tried = len(line.recorder.parcels)
    line.recorder.answer_always(DOWN)
    assert await _look(line) == []
    assert await _look(line) == [], "not so soon again"
    assert line.recorder.reached == 1
    assert await line.to_try() == []
    line.recorder.answer_always(None)
    assert await _look(line, EVERY) == [NAME]
    health = await _health(line)
    assert (health.state, health.trips) == (BreakerState.OPEN, 6)
    assert len(line.recorder.parcels) == tried, "nothing was delivered"

    assert len(await line.to_try(EVERY)) == 1, "one that waits is woken"
    await line.set_health(probe_at=line.environment.now())
    assert (await line.work(schedule, execution, run_id)).state is ExecutionState.SUCCESS
    health = await _health(line)
    assert (health.state, health.succeeded) == (BreakerState.HALF_OPEN, 1)


async def test_one_that_answers_and_takes_nothing_is_no_trip_and_is_left_alone_for_a_while(line: Line) -> None:
    await line.make()
    await line.open(DOWN)
    schedule, run_id = await line.schedule(1), new_id()
    execution = await line.environment.request(schedule)
    await line.work(schedule, execution, run_id)
    due_at = line.environment.now() + LATER
    await line.set_health(trips=9, probe_at=due_at)
    assert await _look(line) == [NAME]
    line.recorder.answer_always(DOWN)
    await line.work(schedule, execution, run_id)
    health = await _health(line)
    assert (health.state, health.trips, health.probe_at) == (BreakerState.OPEN, 9, due_at)
    line.recorder.answer_always(None)
    assert await _look(line, timedelta(minutes=4)) == []
    assert await _look(line, timedelta(minutes=6)) == [NAME]


async def test_trials_are_shared_out_and_cost_nobody_its_turn(line: Line) -> None:
    await line.make()
    await line.open(DOWN)
    async with line.environment.database.session() as session:
        await session.execute(update(Execution).values(held_by=None))  # What has opened it is left aside.
    line.recorder.answer_always(DOWN)
    waiting = {}
    for _ in range(2):
        schedule, run_id = await line.schedule(1), new_id()
        execution = await line.environment.request(schedule)
        await line.work(schedule, execution, run_id)
        waiting[execution.id] = (schedule, execution, run_id)
    tried = []
    for _ in range(4):
        await line.set_health(probe_at=line.environment.now())
        (first,) = await line.to_try()
        tried.append(first)
        await line.environment.due_now()
        await line.work(*waiting[first])
        (delivery,) = await line.deliveries(first)
        assert delivery.next_attempt_at is not None
        assert delivery.next_attempt_at - line.environment.now() <= timedelta(seconds=36), "30 s and a fifth of them"
        # It comes back once more, finds the breaker open, and is held.
        await line.environment.due_now()
        await line.work(*waiting[first])
    assert sorted(tried) == sorted([*waiting] * 2), "each in turn"


@on_both
async def test_of_two_processes_one_reaches_for_each(environment: Environment) -> None:
    count, now = 60, environment.now()
    rows = {"state": BreakerState.OPEN, "since": now, "trips": 6, "probe_at": now + LATER}
    async with environment.database.session() as session:
        session.add_all([ConnectionHealth(name=f"line-{number}", **rows) for number in range(count)])
    url = environment.database.engine.url.render_as_string(hide_password=False)
    processes = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.integration.connections.breaker.other_process", url, str(count)),
            cwd=CHECKOUT,
            env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        for _ in range(2)
    ]
    for process in processes:
        assert process.stdout is not None
        assert (await asyncio.wait_for(process.stdout.readline(), 60)).strip() == b"ready"
    ends = await asyncio.wait_for(asyncio.gather(*(one.communicate(b"\n") for one in processes)), 60)
    first, second = (set(json.loads(out)) for out, _ in ends)
    assert first | second == {f"line-{number}" for number in range(count)}
    assert not first & second


@pytest.mark.parametrize("password", [PASSWORD, "wrong-password"])
async def test_a_mail_server_comes_back(line: Line, database: Database, password: str) -> None:
    """With a real mail server and the loop itself. A password that it refuses is sent once, and not every 20 s."""
    environment, server = line.environment, SmtpServer(port=free_port("127.0.0.1"))
    login = {"username": USERNAME, "password": password}
    wanted = NewConnection(name=NAME, kind="email", settings=smtp_settings(server.port, **login))
    now = environment.now()
    columns = {"state": BreakerState.OPEN, "since": now, "trips": 6, "probe_at": now + LATER}
    async with database.session() as session:
        await connections.create(session, wanted, environment.context())
        session.add(ConnectionHealth(name=NAME, **columns))

    loop = reach_loop(database, environment.settings)
    work = asyncio.create_task(loop.run())
    await eventually(lambda: loop.health.last_success is not None)
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
    assert (await _health(line)).probe_at == now + LATER, "nothing answers there"
    assert await _uses(database) == 0

    async with server.serving(auth=True):
        found = [await _look(line, number * EVERY) for number in range(1, 4)]
        assert found == [[NAME] if password == PASSWORD else [], [], []]
        assert server.logins == ["PLAIN"]
        assert await _uses(database) == 1
        assert server.envelopes == []
    assert (await _health(line)).trips == 6


async def _uses(database: Database) -> int:
    """Return how often the audit trail says that the secrets of the connection were used."""
    used = (AuditEvent.action == "used", AuditEvent.entity_id == NAME)
    async with database.session() as session:
        return (await session.execute(select(func.count()).select_from(AuditEvent).where(*used))).scalar_one()
