"""The limits of a connection: so many a second and so many at once, over all processes."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text, update

from mailroom.connections.turns import repository as turns
from mailroom.connections.turns.decide import Limits, micros
from mailroom.executions import delivery_lifecycle
from mailroom.executions.deliveries import has_room
from mailroom.executions.reasons import ReasonCode
from mailroom.settings import CHECKOUT
from mailroom.states import DeliveryState, ExecutionState
from mailroom.storage.database import new_id
from mailroom.storage.model.connection_health import ConnectionTurns
from mailroom.storage.tables import Attempt, Delivery, Execution
from tests.integration.connections.breaker.conftest import NAME

if TYPE_CHECKING:
    from tests.integration.connections.breaker.conftest import Line

on_both = pytest.mark.parametrize("database", ["sqlite", "postgres"], indirect=True)
PEOPLE, HOLD = 6, 0.15


async def _two_processes(line: Line, folder: Path, hold: float) -> list[list[tuple[float, float]]]:
    """Let two processes make a pass each through the connection at once; return when each delivery left and ended."""
    environment = line.environment
    processes = []
    for number in range(2):
        schedule = await line.schedule(PEOPLE)
        execution = await environment.request(schedule)
        journal = folder / f"{number}.json"
        arguments = [
            environment.database.engine.url.render_as_string(hide_password=False),
            str(environment.settings.data_dir),
            environment.settings.prefect_api,
            schedule.id,
            execution.id,
            str(journal),
            str(hold),
        ]
        module = "tests.integration.connections.breaker.second_process"
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", module, *arguments),
            cwd=CHECKOUT,
            env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        processes.append((process, journal))
    for process, _ in processes:
        assert process.stdout is not None
        assert (await asyncio.wait_for(process.stdout.readline(), 60)).strip() == b"ready"
    ends = [process.communicate(b"\n") for process, _ in processes]
    await asyncio.wait_for(asyncio.gather(*ends), 90)
    assert [process.returncode for process, _ in processes] == [0, 0]
    return [[(span[0], span[1]) for span in json.loads(journal.read_text())["spans"]] for _, journal in processes]


@on_both
async def test_two_processes_keep_rate_and_sessions_together(line: Line, tmp_path: Path) -> None:
    await line.make(shared_as="line", max_per_second=8, max_sessions=2)
    first, second = await _two_processes(line, tmp_path, HOLD)
    assert first
    assert second
    spans = sorted([*first, *second])
    begins = [begin for begin, _ in spans]
    turns_taken = (begins[-1] - begins[0]) * 8
    # A busy machine begins the first a little after its turn; without turns there would be more than twice as many.
    assert len(begins) - 1 <= turns_taken + 3, "no more than eight a second"
    under_way = [sum(one <= begin < end for one, end in spans) for begin in begins]
    assert max(under_way) <= 2, under_way
    assert all(later >= earlier for earlier, later in pairwise(begins))


async def test_a_turn_that_is_far_away_gives_the_slot_back(line: Line) -> None:
    await line.make(max_per_second=0.05)
    schedule, run_id = await line.schedule(3), new_id()
    execution = await line.environment.request(schedule)
    began = time.monotonic()
    result = await line.work(schedule, execution, run_id)
    assert time.monotonic() - began < 15, "no process waits for 20 seconds"
    assert (result.state, result.reason.code) == (ExecutionState.RETRYING, ReasonCode.DELIVERY_RETRY)
    assert len(line.recorder.parcels) == 1
    waiting = [row for row in await line.deliveries(execution.id) if row.status is DeliveryState.PENDING]
    times = sorted(row.next_attempt_at for row in waiting if row.next_attempt_at)
    assert len(times) == 2
    assert times[1] - times[0] == timedelta(seconds=20), "they come back one after the other"
    assert {row.attempts for row in waiting} == {0}

    for _ in range(2):
        await _let_time_pass(line)
        result = await line.work(schedule, execution, run_id)
    assert result.state is ExecutionState.SUCCESS
    assert len(line.recorder.taken) == 3


async def test_a_session_of_a_dead_process_is_free_when_its_lease_has_ended(line: Line) -> None:
    await line.make(max_sessions=1)
    other = await line.schedule(1)
    theirs = await line.environment.request(other)
    line.recorder.answer_next(ConnectionResetError())
    await line.work(other, theirs)
    await _sending(line, theirs, lease=timedelta(seconds=50))
    schedule, run_id = await line.schedule(1), new_id()
    execution = await line.environment.request(schedule)
    result = await line.work(schedule, execution, run_id)
    assert result.state is ExecutionState.RETRYING
    (row,) = await line.deliveries(execution.id)
    assert (row.status, row.attempts) == (DeliveryState.PENDING, 0)
    await _sending(line, theirs, lease=timedelta(seconds=-1))
    await _let_time_pass(line)
    assert (await line.work(schedule, execution, run_id)).state is ExecutionState.SUCCESS


@on_both
async def test_a_line_that_is_too_long_begins_anew(line: Line) -> None:
    """Whoever is far back comes back in time to see whether the others still stand in the line."""
    limits, now = Limits(0.1, 4), line.environment.now()
    async with line.environment.database.session() as session:
        given = [await turns.take(session, NAME, limits, now=now) for _ in range(40)]
        assert await has_room(session, NAME, 1, now=now)
        back = await turns.take(session, NAME, limits, now=now - timedelta(hours=1))
    assert [turn.back for turn in given] == [False, False, *[True] * 38]
    assert max(turn.at for turn in given) <= now + timedelta(minutes=5, seconds=20)
    assert not back.back, "a clock that was set back keeps nobody waiting"
    assert len({turn.at for turn in given}) > 10


@on_both
async def test_what_is_under_way_is_counted_by_its_index(line: Line) -> None:
    wanted = "SELECT count(*) FROM deliveries WHERE connection = 'line' AND status = 'sending'"
    async with line.environment.database.session() as session:
        if session.get_bind().dialect.name == "sqlite":
            plan = (await session.execute(text(f"EXPLAIN QUERY PLAN {wanted}"))).all()
        else:
            await session.execute(text("SET LOCAL enable_seqscan = off"))
            plan = (await session.execute(text(f"EXPLAIN {wanted}"))).all()
    assert "ix_deliveries_sending" in str(plan)


async def _let_time_pass(line: Line) -> None:
    """Let the next turn be free now, and what waits for one be due."""
    now: dict[str, Any] = {"next_us": micros(line.environment.now()), "line_us": 0}
    async with line.environment.database.session() as session:
        await session.execute(update(ConnectionTurns).where(ConnectionTurns.name == NAME).values(**now))
    await line.environment.due_now()


async def _sending(line: Line, execution: Execution, *, lease: timedelta) -> None:
    """Leave the execution as a process leaves it that has just begun to send, or that died doing so."""
    async with line.environment.database.session() as session:
        await session.execute(
            update(Delivery)
            .where(Delivery.execution_id == execution.id)
            .values(status=DeliveryState.SENDING, next_attempt_at=None)
        )
        until = line.environment.now() + lease
        await session.execute(update(Execution).where(Execution.id == execution.id).values(lease_until=until))


@on_both
async def test_a_session_that_becomes_free_between_two_looks_is_taken(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The statement that begins an attempt saw no free session, the next one sees one: it is not a refusal."""
    begin, refused = delivery_lifecycle.begin_attempt, [True]

    async def begin_attempt(*args: Any, **named: Any) -> Attempt | None:
        return None if refused and refused.pop() else await begin(*args, **named)

    monkeypatch.setattr(delivery_lifecycle, "begin_attempt", begin_attempt)
    await line.make()
    assert (await line.work(await line.schedule(1))).state is ExecutionState.SUCCESS
    assert refused == []
