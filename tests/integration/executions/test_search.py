"""Runs are found by what is known of them and of their deliveries, on both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import event

from mailroom.access.viewer import SYSTEM, Viewer
from mailroom.executions.history import search
from mailroom.executions.history.course import Course
from mailroom.executions.history.norms import usual_length
from mailroom.executions.history.progress import RenderingRecord, note, rendering_of
from mailroom.executions.history.search import ExecutionFilter
from mailroom.roles import Role
from mailroom.states import DeliveryState, ExecutionKind, ExecutionState
from mailroom.storage.database import Database
from mailroom.storage.tables import Delivery, Execution, Schedule
from tests.integration.conftest import NOW

E, K = ExecutionState, ExecutionKind
RUNS = {
    "monday": (E.SUCCESS, K.SCHEDULED, "email", "smtp", "Ada@example.com"),
    "tuesday": (E.FAILED, K.SCHEDULED, "sftp", "bank", "/in/a.csv"),
    "wednesday": (E.SUCCESS, K.TEST, "email", "other", "bob@example.com"),
    "thursday": (E.MISSED, K.SCHEDULED, None, None, None),
}


@pytest.fixture
async def week(ledger: Database, schedule: Schedule) -> Database:
    """Store a run a day; their ids are the names of the days."""
    async with ledger.session() as session:
        for number, (day, (status, kind, channel, connection, recipient)) in enumerate(RUNS.items()):
            due = NOW + timedelta(days=number)
            row = Execution(id=day, schedule_id=schedule.id, due_at=due, status=status, kind=kind, created_at=due)
            row.error_id = "e-7" if status is E.FAILED else None
            row.completed_at = due + timedelta(seconds=301 if day == "wednesday" else 300)
            row.pass_count, row.render_failures = 2, 1
            # A person's retry is no recovery.
            row.retry_requested_at = due if day == "wednesday" else None
            session.add(row)
            await session.flush()
            if channel:
                sent = Delivery(execution_id=day, position=0, channel=channel, connection=connection, key=day)
                sent.recipient, sent.destination, sent.created_at = str(recipient), {}, due
                sent.status = DeliveryState.DELIVERED
                session.add(sent)
    return ledger


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, ["thursday", "wednesday", "tuesday", "monday"]),
        ({"states": (E.FAILED, E.MISSED)}, ["thursday", "tuesday"]),
        ({"kinds": (K.TEST,)}, ["wednesday"]),
        ({"kinds": (K.TEST, K.SCHEDULED)}, ["thursday", "wednesday", "tuesday", "monday"]),
        ({"due_from": NOW + timedelta(days=1), "due_to": NOW + timedelta(days=2)}, ["tuesday"]),
        ({"error_id": "e-7"}, ["tuesday"]),
        ({"channel": "email"}, ["wednesday", "monday"]),
        ({"connection": "bank"}, ["tuesday"]),
        ({"recipient": "aDa@example.com"}, ["monday"]),
        ({"recipient": "ada@example.com", "connection": "bank"}, []),
        ({"channel": "email", "kinds": (K.TEST,)}, ["wednesday"]),
        ({"schedule_ids": []}, []),
        ({"course": Course.LATE}, ["wednesday"]),
        ({"course": Course.RECOVERED}, ["monday"]),
        ({"course": Course.LATE, "channel": "email", "connection": "smtp"}, []),
        ({"course": Course.RECOVERED, "recipient": "ada@example.com"}, ["monday"]),
        ({"course": Course.RECOVERED, "recipient": "bob@example.com"}, []),
    ],
)
async def test_each_condition_narrows(week: Database, wanted: dict[str, object], found: list[str]) -> None:
    chosen = ExecutionFilter(**wanted)  # type: ignore[arg-type]  # the cases above fit it
    async with week.session() as session:
        page = await search.search(session, viewer=SYSTEM, wanted=chosen, cursor=None, limit=10)
        assert ([row.id for row in page.items], page.next_cursor) == (found, None)
        assert await search.count(session, viewer=SYSTEM, wanted=chosen) == len(found)


@pytest.mark.parametrize(
    "wanted",
    [
        ExecutionFilter(),
        ExecutionFilter(channel="email"),
        ExecutionFilter(recipient="x"),
        ExecutionFilter(course=Course.RECOVERED),
    ],
)
async def test_nobody_finds_what_is_not_theirs(week: Database, wanted: ExecutionFilter) -> None:
    stranger = Viewer("stranger", Role.CREATOR)
    async with week.session() as session:
        assert not (await search.search(session, viewer=stranger, wanted=wanted, cursor=None, limit=10)).items
        assert await search.count(session, viewer=stranger, wanted=wanted) == 0


@pytest.mark.parametrize("wanted", [ExecutionFilter(), ExecutionFilter(channel="email")])
async def test_pages_follow_each_other(week: Database, wanted: ExecutionFilter) -> None:
    seen, cursor = list[str](), None
    async with week.session() as session:
        while True:
            page = await search.search(session, viewer=SYSTEM, wanted=wanted, cursor=cursor, limit=1)
            seen += [row.id for row in page.items]
            if (cursor := page.next_cursor) is None:
                break
    assert seen == [day for day in reversed(RUNS) if wanted.channel is None or RUNS[day][2] == wanted.channel]


async def test_a_long_history_is_looked_through_piece_by_piece(week: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "MOST", 2)
    wanted, cursors = ExecutionFilter(connection="smtp"), 0
    async with week.session() as session:
        assert await search.count(session, viewer=SYSTEM, wanted=wanted) is None
        page = await search.search(session, viewer=SYSTEM, wanted=wanted, cursor=None, limit=10)
        assert page.items == []
        while page.next_cursor is not None:
            cursors += 1
            page = await search.search(session, viewer=SYSTEM, wanted=wanted, cursor=page.next_cursor, limit=10)
            if page.items:
                break
        assert ([row.id for row in page.items], cursors) == (["monday"], 1)


async def test_the_usual_length_is_that_of_what_was_delivered(ledger: Database, schedule: Schedule) -> None:
    async with ledger.session() as session:
        for number, (status, kind) in enumerate(
            [*[(E.SUCCESS, K.SCHEDULED)] * 3, (E.FAILED, K.SCHEDULED), (E.SUCCESS, K.TEST)]
        ):
            due = NOW + timedelta(days=number)
            row = Execution(schedule_id=schedule.id, due_at=due, status=status, kind=kind, created_at=due)
            row.started_at, row.completed_at = due, due + timedelta(seconds=10 * (number + 1))
            session.add(row)
    async with ledger.session() as session:
        assert await usual_length(session, schedule.id, viewer=SYSTEM) == timedelta(seconds=20)
        assert await usual_length(session, schedule.id, viewer=SYSTEM, tests=True) is None
        assert await usual_length(session, schedule.id, viewer=Viewer("stranger", Role.CREATOR)) is None


async def test_the_second_page_goes_on_in_the_index_where_the_first_ended(week: Database) -> None:
    if week.engine.dialect.name != "sqlite":
        pytest.skip("Postgres plans by what is in the tables.")
    wanted = ExecutionFilter(due_from=NOW - timedelta(days=7))
    async with week.session() as session:
        first = await search.search(session, viewer=SYSTEM, wanted=wanted, cursor=None, limit=1)
    asked: list[tuple[str, tuple[object, ...]]] = []

    def note_it(
        _connection: object, _cursor: object, statement: str, parameters: tuple[object, ...], *_: object
    ) -> None:
        asked.append((statement, parameters))

    engine = week.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note_it)
    try:
        async with week.session() as session:
            second = await search.search(session, viewer=SYSTEM, wanted=wanted, cursor=first.next_cursor, limit=1)
    finally:
        event.remove(engine, "before_cursor_execute", note_it)
    assert [row.id for row in second.items] == ["wednesday"]
    ((statement, parameters),) = [one for one in asked if "schedule_executions" in one[0]]
    async with week.session() as session:
        connection = await session.connection()
        plan = str((await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)).all())
    assert "ix_schedule_executions_due_at_id" in plan
    assert "TEMP B-TREE" not in plan, "everything that comes after the first page would be read and sorted"


async def test_only_the_pass_at_work_writes_how_far_it_is(ledger: Database, schedule: Schedule) -> None:
    row = Execution(id="e-1", schedule_id=schedule.id, due_at=NOW, status=E.RUNNING, pass_count=2, created_at=NOW)
    async with ledger.session() as session:
        session.add(row)
    for number, rows in ((2, 6), (1, 5)):
        async with ledger.session() as session:
            await note(session, "e-1", number, RenderingRecord(began_at=NOW, rows=rows))
    async with ledger.session() as session:
        found = await session.get(Execution, "e-1")
        assert found is not None
        record = rendering_of(found)
        assert record is not None
        assert record.rows == 6
        found.status = E.FAILED
    async with ledger.session() as session:
        await note(session, "e-1", 2, RenderingRecord(began_at=NOW, rows=7))
    async with ledger.session() as session:
        found = await session.get(Execution, "e-1")
        assert found is not None
        assert (rendering_of(found) or record).rows == 6
