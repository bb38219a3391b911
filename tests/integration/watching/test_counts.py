"""The counts of hours are what the ledger says, and the totals never go down."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import delete, update

from mailroom.states import DeliveryState, ExecutionKind, ExecutionState
from mailroom.storage.tables import Attempt, Delivery, Execution
from mailroom.watching.counts import repository as stored
from mailroom.watching.counts.names import HOUR, Counts, Part, below, bucket, buckets, hour_of
from mailroom.watching.counts.refresh import refresh
from tests.integration.watching.conftest import NOW, Arrived, Ledger

E, D = ExecutionState, DeliveryState
DUE = NOW - timedelta(hours=1, minutes=5)


async def hour(books: Ledger) -> Counts:
    """Return the counts of the hour in which all of this is due."""
    async with books.database.session() as session:
        return (await stored.hours(session, hour_of(DUE), hour_of(DUE) + HOUR, *Part)).get(hour_of(DUE), {})


async def totals(books: Ledger) -> Counts:
    async with books.database.session() as session:
        found = await stored.totals(session)
        assert found is not None
        return found.counts


async def test_an_hour_is_counted_as_the_ledger_has_it(books: Ledger) -> None:
    file = {"format": "pdf", "began_at": f"{DUE + timedelta(seconds=2):%Y-%m-%dT%H:%M:%SZ}"}
    rendering = {
        "began_at": f"{DUE + timedelta(seconds=1):%Y-%m-%dT%H:%M:%SZ}",
        "ended_at": f"{DUE + timedelta(seconds=4):%Y-%m-%dT%H:%M:%SZ}",
        "files": [file],
    }
    await books.add(
        DUE, E.SUCCESS, Arrived(4.0), Arrived(300.0, "sftp", "bank"), ended_after=300.0, rendering=rendering
    )
    await books.add(DUE + timedelta(minutes=1), E.SUCCESS, Arrived(301.0, tries=3), ended_after=301.0, pass_count=3)
    await books.add(DUE + timedelta(minutes=2), E.FAILED, Arrived(None, status=D.REFUSED))
    await books.add(DUE + timedelta(minutes=3), E.PARTIAL, Arrived(9.0), Arrived(None, status=D.UNKNOWN, tries=2))
    for place, state in enumerate((E.MISSED, E.SKIPPED, E.CANCELLED, E.RUNNING, E.PENDING), start=4):
        await books.add(DUE + timedelta(minutes=place), state)
    await books.add(DUE, E.FAILED, kind=ExecutionKind.TEST)
    await (await books.sample()).add(DUE, E.FAILED, Arrived(None, status=D.FAILED))

    await refresh(books.database, now=NOW)

    counts = await hour(books)
    ended = {"success": 2, "failed": 1, "partial": 1, "missed": 1, "skipped": 1, "cancelled": 1}
    assert below(counts, "ended") == ended
    assert (counts["on_time"], counts["troubled"], counts["recovered"]) == (1, 3, 1)
    assert buckets(counts, "late") == {bucket(300): 1, bucket(301): 1}
    assert below(counts, "delivery/email") == {"delivered": 3, "refused": 1, "unknown": 1}
    assert below(counts, "retry") == {"email": 3}
    assert buckets(counts, "due/sftp") == {bucket(300): 1}
    assert buckets(counts, "lateness/email") == {bucket(4): 1, bucket(301): 1, bucket(9): 1}
    assert counts["due_sum/email"] == pytest.approx(314, abs=0.001)
    assert below(counts, "failure") == {"email/smtp": 2}
    assert below(counts, "sent") == {"email/smtp": 5, "sftp/bank": 1}
    assert buckets(counts, "stage/query") == {bucket(1.0): 1}
    assert buckets(counts, "stage/render") == {bucket(2.0): 1}
    assert sum(buckets(counts, "stage/deliver").values()) == 4
    assert (counts["report/sales"], counts["report_sum/sales"]) == (1, 3)
    assert below(await totals(books), "ended") == ended


async def test_a_retry_that_a_person_asked_for_changes_the_hour_and_lowers_no_total(books: Ledger) -> None:
    failed = await books.add(DUE, E.FAILED, Arrived(None, status=D.FAILED))
    await refresh(books.database, now=NOW)
    async with books.database.session() as session:
        again = {"status": E.SUCCESS, "completed_at": NOW, "retry_requested_at": NOW, "pass_count": 2}
        await session.execute(update(Execution).where(Execution.id == failed.id).values(**again))
        await session.execute(update(Delivery).values(status=D.DELIVERED, attempts=2, delivered_at=NOW))

    await refresh(books.database, now=NOW + timedelta(seconds=20))

    counts = await hour(books)
    assert below(counts, "ended") == {"success": 1}
    assert (counts["troubled"], counts.get("recovered"), counts.get("on_time")) == (1, None, None)
    assert below(await totals(books), "ended") == {"success": 1, "failed": 1}


async def test_totals_outlive_what_retention_removes(books: Ledger) -> None:
    await books.add(DUE, E.SUCCESS, Arrived())
    await refresh(books.database, now=NOW)
    before = await totals(books)
    async with books.database.session() as session:
        for table in (Attempt, Delivery, Execution):
            await session.execute(delete(table))
    await refresh(books.database, now=NOW + timedelta(seconds=20))
    assert await totals(books) == before
    assert before["ended/success"] == 1


async def test_counting_twice_adds_nothing(books: Ledger) -> None:
    await books.add(DUE, E.SUCCESS, Arrived(), Arrived(40.0, "sftp", "bank"))
    await books.add(NOW - timedelta(days=40), E.MISSED)
    await refresh(books.database, now=NOW)
    first = await totals(books)
    await refresh(books.database, now=NOW)
    await refresh(books.database, now=NOW + timedelta(hours=3))
    assert await totals(books) == first
    assert below(first, "ended") == {"success": 1, "missed": 1}


async def test_what_was_counted_a_moment_ago_is_not_counted_again(books: Ledger) -> None:
    assert await refresh(books.database, now=NOW) >= 0
    await books.add(NOW - timedelta(seconds=30), E.SUCCESS, ended_after=1.0)
    soon = NOW + timedelta(seconds=9)
    assert await refresh(books.database, now=soon, not_within=timedelta(seconds=10)) == 0
    assert "ended/success" not in await totals(books)
    assert await refresh(books.database, now=soon + timedelta(seconds=2), not_within=timedelta(seconds=10)) > 0
    assert (await totals(books))["ended/success"] == 1


async def test_an_end_that_was_written_late_is_counted(books: Ledger) -> None:
    """The database was away: what ended before the last look is in the ledger only afterwards."""
    await refresh(books.database, now=NOW)
    await books.add(NOW - timedelta(hours=9), E.SUCCESS, ended_after=9 * 3600 - 600.0)
    await refresh(books.database, now=NOW + timedelta(seconds=20))
    assert (await totals(books))["ended/success"] == 1


async def test_the_detail_of_days_and_of_hours_adds_up(books: Ledger) -> None:
    for days in range(4):
        await books.add(DUE - timedelta(days=days), E.FAILED, Arrived(None, status=D.FAILED))
        await books.add(DUE.replace(hour=0) - timedelta(days=days), E.SUCCESS, Arrived())
    await refresh(books.database, now=NOW)
    sums = []
    for start in (DUE.replace(hour=0), DUE.replace(hour=1), DUE - timedelta(days=1), DUE - timedelta(days=3)):
        async with books.database.session() as session:
            found = await stored.details(session, hour_of(start), hour_of(NOW) + HOUR)
        sums.append((found["failure/email/smtp"], found["sent/email/smtp"]))
    assert sums == [(1, 2), (1, 1), (2, 3), (4, 7)]
