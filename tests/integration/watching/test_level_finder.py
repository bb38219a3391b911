"""A level that is missed is found as a trouble, and is no trouble any more once it is kept again."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import update

from mailroom.incidents.finders.levels import find
from mailroom.incidents.spec import IncidentKind, Severity, Trouble
from mailroom.settings import Settings
from mailroom.states import ExecutionState
from mailroom.storage.tables import Execution
from mailroom.watching.counts.refresh import refresh
from tests.integration.watching.conftest import NOW, Ledger

E = ExecutionState


async def troubles(books: Ledger) -> dict[str, Trouble]:
    await refresh(books.database, now=NOW)
    async with books.database.session() as session:
        return {one.subject: one for one in await find(session, Settings(), now=NOW)}


async def test_three_failures_of_few_runs_miss_the_level_until_they_are_repaired(books: Ledger) -> None:
    failed = [await books.add(NOW - timedelta(minutes=30 + place), E.FAILED) for place in range(2)]
    assert await troubles(books) == {}
    failed.append(await books.add(NOW - timedelta(minutes=50), E.MISSED))

    (found,) = (await troubles(books)).values()
    assert (found.kind, found.subject, found.severity) == (IncidentKind.LEVEL_MISSED, "success", Severity.WARNING)
    assert found.values == {"good": 0, "total": 3, "goal": 0.999, "period": "24h"}

    async with books.database.session() as session:
        again = {"status": E.SUCCESS, "completed_at": NOW, "retry_requested_at": NOW}
        await session.execute(update(Execution).where(Execution.id == failed[0].id).values(**again))
    assert await troubles(books) == {}
