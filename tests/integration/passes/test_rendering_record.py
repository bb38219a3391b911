"""Say how a rendering went stands on its execution: after the run, and while a long one lasts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from mailroom.executions.history.progress import rendering_of
from mailroom.passes.outcome import Outcome
from mailroom.passes.planned import rendering_watch
from mailroom.passes.planned.rendering_watch import watching
from mailroom.rendering.progress import Progress
from mailroom.states import ExecutionState
from mailroom.storage.database import new_id
from mailroom.storage.tables import Execution
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from tests.support.environment import Environment


async def test_a_run_tells_when_its_files_were_made(environment: Environment) -> None:
    schedule = await environment.create(formats=["csv", "html"])
    first = await environment.request(schedule)
    before = datetime.now(UTC)
    result = await environment.run_pass(schedule, first)
    assert isinstance(result, Outcome)
    row = await environment.execution()
    record = rendering_of(row)
    assert record is not None
    assert record.ended_at is not None
    assert before <= record.began_at <= record.ended_at <= datetime.now(UTC)
    assert (record.failed, record.rows) == (False, 2)
    assert [(file.format, file.ready, file.rows) for file in record.files] == [("csv", False, 2), ("html", False, None)]
    assert all(file.began_at and file.ended_at for file in record.files)


async def test_a_run_that_finds_its_files_says_that_they_were_ready(environment: Environment) -> None:
    schedule = await environment.create()
    rows = [await environment.request(schedule) for _ in range(2)]
    async with environment.database.session() as session:
        for row in rows:  # They are for the same due time, so that they share a rendering.
            (await session.get_one(Execution, row.id)).due_at = rows[0].due_at
    for row in rows:
        assert isinstance(await environment.run_pass(schedule, row), Outcome)
    async with environment.database.session() as session:
        records = [rendering_of(await session.get_one(Execution, row.id)) for row in rows]
    assert [[file.ready for file in record.files] for record in records if record] == [[False], [True]]


async def test_a_long_rendering_shows_while_it_lasts(environment: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendering_watch, "QUIET_SECONDS", 0.0)
    monkeypatch.setattr(rendering_watch, "PAUSE_SECONDS", 0.0)
    schedule, now = await environment.create(), datetime.now(UTC)
    async with environment.database.session() as session:
        row = Execution(id=new_id(), schedule_id=schedule.id, due_at=now, created_at=now)
        row.status, row.pass_count, row.lease_until = ExecutionState.RUNNING, 1, now + timedelta(minutes=1)
        session.add(row)

    async def shown() -> tuple[bool, int | None]:
        record = rendering_of(await environment.execution())
        return (record.taken_up, record.rows) if record else (False, -1)

    async with watching(environment.database, row.id, 1, formats=["csv"], began_at=now) as watch:
        await eventually(lambda: _is(shown, (False, None)))
        watch.tell(Progress(rows=2000))
        await eventually(lambda: _is(shown, (True, 2000)))
        watch.tell(Progress(rows=4000))
        await eventually(lambda: _is(shown, (True, 4000)))


async def _is(look: object, expected: object) -> bool:
    assert callable(look)
    return bool(await look() == expected)


async def test_a_short_rendering_writes_nothing_of_its_own(environment: Environment) -> None:
    schedule, now = await environment.create(), datetime.now(UTC)
    async with environment.database.session() as session:
        row = Execution(id=new_id(), schedule_id=schedule.id, due_at=now, created_at=now)
        row.status, row.pass_count = ExecutionState.RUNNING, 1
        session.add(row)
    async with watching(environment.database, row.id, 1, formats=["csv"], began_at=now) as watch:
        watch.tell(Progress(rows=2000))
    assert (await environment.execution()).rendering is None
