"""Lists of schedules are chosen and sorted by what became of them, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from mailroom.access.viewer import SYSTEM
from mailroom.executions.history import last_result
from mailroom.executions.lifecycle import NewOccurrence, close_unbegun, insert_missing, new_execution
from mailroom.executions.reasons import ReasonCode, because
from mailroom.schedules import repository as stored
from mailroom.schedules.listing import repository as listed
from mailroom.states import ExecutionKind, ExecutionState, ScheduleState
from mailroom.storage.tables import Execution, Schedule
from tests.integration.api.schedules.conftest import make, ran
from tests.support import samples

if TYPE_CHECKING:
    from tests.integration.api.conftest import Api

E = ExecutionState
LATE = because(ReasonCode.NOT_BEGUN_EXPIRED, limit=timedelta(hours=4))


async def names(api: Api, query: str) -> list[str]:
    """Return the names of all pages of a list, two rows a page."""
    found: list[str] = []
    cursor = ""
    while True:
        page = await api.json("GET", f"/schedules/?limit=2&{query}{cursor}", 200)
        found += [row["name"] for row in page["items"]]
        if not page["next_cursor"]:
            return found
        cursor = f"&cursor={page['next_cursor']}"


async def test_what_fails_comes_first_and_then_what_is_due_next(either: Api, schedule_body: dict[str, Any]) -> None:
    def at(hour: str) -> dict[str, Any]:
        return {"timing": {"frequency": "daily", "at": hour, "timezone": "UTC"}}

    hours = {"well": "23:59", "failed": "23:58", "partly": "23:57", "paused": "23:56", "new": "23:55"}
    ids = {name: await make(either, schedule_body, name, **at(hour)) for name, hour in hours.items()}
    await ran(either, ids["well"], E.FAILED, E.SUCCESS)
    await ran(either, ids["failed"], E.SUCCESS, E.FAILED)
    await ran(either, ids["partly"], E.PARTIAL)
    await ran(either, ids["paused"], E.MISSED)
    await ran(either, ids["new"], E.FAILED, kind=ExecutionKind.TEST)
    await either.json("POST", f"/schedules/{ids['paused']}/pause", 200)
    assert await names(either, "sort=attention") == ["partly", "failed", "new", "well", "paused"]
    assert await names(either, "sort=next_run") == ["new", "partly", "failed", "well", "paused"]
    assert await names(either, "failing=true&sort=name") == ["failed", "partly"]
    assert await names(either, "failing=false&sort=name") == ["new", "paused", "well"]
    row = await either.json("GET", f"/schedules/{ids['failed']}", 200)
    assert (row["last_status"], row["failing"], row["next_run"]) == ("failed", True, row["next_runs"][0]["at"])
    page = await either.json("GET", "/schedules/?limit=1&sort=attention", 200)
    for sort in ("next_run", "name", "created_at"):
        wrong = f"/schedules/?sort={sort}&cursor={page['next_cursor']}"
        if sort != "name":  # Any text can be a name.
            assert (await either.json("GET", wrong, 422))["errors"][0]["field"] == "cursor"


async def test_by_recipient_destination_and_due_time(either: Api, schedule_body: dict[str, Any]) -> None:
    mail = {"channel": "email", "connection": "corp-smtp", "to": ["Ada@example.com", "bob@example.com"]}
    await make(either, schedule_body, "files")
    ids = await make(either, schedule_body, "mail", destinations=[mail])
    await make(either, schedule_body, "both", destinations=[mail | {"to": ["ADA@example.com"]}, samples.FOLDER])
    assert await names(either, "recipient=ada@EXAMPLE.com&sort=name") == ["both", "mail"]
    assert await names(either, "channel=folder&sort=name") == ["both", "files"]
    assert await names(either, "channel=email&connection=shared") == []
    assert await names(either, "connection=corp-smtp&sort=name") == ["both", "mail"]
    now = datetime.now(UTC)
    until = (now + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert len(await names(either, f"due_from={now:%Y-%m-%dT%H:%M:%SZ}&due_to={until}")) == 3
    assert await names(either, f"due_from={until}") == []
    assert (await either.json("GET", "/schedules/?due_from=2026-11-30", 422))["errors"]
    await either.json("PATCH", f"/schedules/{ids}", 200, json={"destinations": [samples.FOLDER]})
    assert await names(either, "channel=email") == ["both"]
    async with either.database.session() as session:
        goes = await listed.destinations(session, [ids])
    assert [(one.channel, one.recipients) for one in goes[ids]] == [("folder", 1)]


async def test_the_strip_has_the_last_fourteen_of_each(either: Api, schedule_body: dict[str, Any]) -> None:
    many, few, none = [await make(either, schedule_body, name) for name in ("many", "few", "none")]
    await ran(either, many, E.FAILED, *[E.SUCCESS] * 14)
    await ran(either, few, E.MISSED, E.SUCCESS)
    await ran(either, few, E.FAILED, kind=ExecutionKind.TEST)
    async with either.database.session() as session:
        strips = await listed.recent(session, [many, few, none])
    assert [run.status for run in strips[many]] == [E.SUCCESS] * 14
    assert [run.status for run in strips[few]] == [E.MISSED, E.SUCCESS]
    assert none not in strips


async def test_ends_of_many_at_once_are_kept_too(either: Api, schedule_body: dict[str, Any]) -> None:
    first, second = [await make(either, schedule_body, name) for name in ("first", "second")]
    now = datetime.now(UTC).replace(microsecond=0)
    entry = NewOccurrence(first, now - timedelta(hours=2), E.MISSED, LATE)
    async with either.database.session() as session:
        await insert_missing(session, [entry, NewOccurrence(second, now - timedelta(hours=2))], now=now)
        waiting = new_execution(second, ExecutionKind.SCHEDULED, now - timedelta(hours=1), now=now)
        session.add(waiting)
        await session.flush()
        await close_unbegun(session, [(waiting.id, E.MISSED, LATE)], now=now)
    assert await names(either, "failing=true&sort=name") == ["first", "second"]
    async with either.database.session() as session:
        row = await stored.get(session, second, viewer=SYSTEM)
        assert (row.last_status, row.last_due_at, row.last_execution_id) == (E.MISSED, waiting.due_at, waiting.id)


async def test_the_rank_in_sql_is_the_one_in_python(either: Api, schedule_body: dict[str, Any]) -> None:
    made, now = await make(either, schedule_body, "One"), datetime.now(UTC)
    every = [(state, last) for state in ScheduleState for last in (None, *(one for one in E if one.ended))]
    async with either.database.session() as session:
        row = await stored.get(session, made, viewer=SYSTEM)
        values = {column.key: getattr(row, column.key) for column in Schedule.__table__.columns}
        for state, last in every:
            session.add(Schedule(**{**values, "id": f"{state}-{last}", "state": state}))
            await session.flush()
            if last is not None:
                session.add(Execution(schedule_id=f"{state}-{last}", due_at=now, status=last, created_at=now))
        await session.flush()
        await last_result.refresh(session, [f"{state}-{last}" for state, last in every])
    async with either.database.session() as session:
        rows = {row.id: row for row in await stored.by_ids(session, [f"{state}-{last}" for state, last in every])}
    for state, last in every:
        row = rows[f"{state}-{last}"]
        assert (row.last_status, row.attention) == (last, last_result.attention_of(state, last))
