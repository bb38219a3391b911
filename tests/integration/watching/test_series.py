"""What the page Monitoring draws, from a ledger whose content is known."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

from mailroom.states import DeliveryState, ExecutionKind, ExecutionState
from mailroom.watching.counts.refresh import refresh
from mailroom.watching.levels.read import levels
from mailroom.watching.levels.spec import Period
from mailroom.watching.series.read import load_of_day, queue, series
from mailroom.watching.series.spec import DestinationFailures
from tests.integration.watching.conftest import NOW, Arrived, Ledger

E, D = ExecutionState, DeliveryState
BERLIN = ZoneInfo("Europe/Berlin")
DAY = timedelta(days=1)


async def test_a_day_is_drawn_by_hour_in_its_zone_and_levels_agree(books: Ledger) -> None:
    nine = NOW.replace(hour=8, minute=0)
    for minute in range(4):
        due = nine + timedelta(minutes=minute)
        await books.add(due, E.SUCCESS, Arrived(240.0), ended_after=240.0)
    await books.add(nine + timedelta(minutes=9), E.FAILED, Arrived(None, status=D.REFUSED))
    await books.add(NOW - timedelta(hours=30), E.FAILED, Arrived(None, "sftp", "bank", D.FAILED))
    await refresh(books.database, now=NOW)

    async with books.database.session() as session:
        found = await series(session, DAY, BERLIN, now=NOW)
        day, week = await levels(session, Period.DAY, now=NOW), await levels(session, Period.WEEK, now=NOW)

    assert len(found.steps) == 25
    (busy,) = [step for step in found.steps if step.total]
    assert (busy.at.hour, busy.at.tzinfo) == (9, BERLIN)
    assert busy.outcomes == {E.SUCCESS: 4, E.FAILED: 1}
    assert busy.p50 == 210
    assert busy.p95 == 237
    assert found.destinations == (DestinationFailures("email", "smtp", 1, 5),)
    assert (day.success.good, day.success.total) == (4, 5)
    assert (week.success.good, week.success.total) == (4, 6)
    assert day.on_time.share == 0.8
    assert (day.recovery.good, day.recovery.total) == (0, 1)


async def test_a_month_is_drawn_by_local_day(books: Ledger) -> None:
    late_in_the_evening = NOW.replace(day=20, hour=23, minute=30)  # 00:30 of the next day in Berlin.
    await books.add(late_in_the_evening, E.MISSED)
    await refresh(books.database, now=NOW)
    async with books.database.session() as session:
        found = await series(session, timedelta(days=30), BERLIN, now=NOW)
    assert found.by_day
    assert len(found.steps) == 31
    assert [(step.at.day, step.at.hour, step.total) for step in found.steps if step.total] == [(21, 0, 1)]


async def test_the_queue_tells_since_when_the_oldest_waits(books: Ledger) -> None:
    ago = timedelta(minutes=1)
    await books.add(NOW - 5 * ago, E.PENDING)
    await books.add(NOW - 9 * ago, E.PENDING, next_pass_at=NOW - 2 * ago)  # It waited on purpose.
    await books.add(NOW - 30 * ago, E.PENDING, next_pass_at=NOW + ago)  # It still does.
    await books.add(NOW - 40 * ago, E.PENDING, held_by="a-stop")
    await books.add(NOW - 3 * ago, E.RUNNING)
    await books.add(NOW - 4 * ago, E.RETRYING, kind=ExecutionKind.RUN_NOW)
    await books.add(NOW + ago, E.PENDING)
    await (await books.sample()).add(NOW - 50 * ago, E.PENDING)
    async with books.database.session() as session:
        found = await queue(session, now=NOW)
    assert (found.waiting, found.running, found.retrying, found.held) == (2, 1, 1, 1)
    assert found.oldest_due == NOW - 5 * ago


async def test_the_load_of_a_day_has_each_quarter_of_an_hour(books: Ledger) -> None:
    async with books.database.session() as session:
        monday = await load_of_day(session, (NOW + 4 * DAY).date(), BERLIN)  # The schedule is due on Mondays at nine.
        changing = await load_of_day(session, NOW.replace(month=10, day=25).date(), BERLIN)
    assert len(monday.runs) == 96
    assert [place for place, runs in enumerate(monday.runs) if runs] == [36]
    assert (monday.busiest is not None and monday.busiest.hour, monday.busiest_runs) == (9, 1)
    assert len(changing.runs) == 100


async def test_an_empty_ledger_draws_nothing(books: Ledger) -> None:
    await refresh(books.database, now=NOW)
    async with books.database.session() as session:
        found = await series(session, DAY, BERLIN, now=NOW)
    assert not any(step.total or step.p50 for step in found.steps)
    assert (found.destinations, found.reports) == ((), ())
