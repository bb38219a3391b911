"""The bench's rival `flow.serve` fires schedules of our tables by itself; ours must not take them for lost."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import text, update

from bench.peak.rivals.serve import left_to_the_rival
from mailroom.passes.claim import Claimed, FlowRunFacts, HeldElsewhere, Stopped, claim
from mailroom.schedules.watchdog import GRACE, look
from mailroom.storage.database import Database
from mailroom.storage.tables import Schedule
from tests.integration.conftest import NOW, add_schedule

DUE = NOW + timedelta(hours=1)
LATE = DUE + GRACE + timedelta(minutes=11)


async def claimed(ledger: Database, schedule_id: str, run_id: str) -> Claimed | Stopped | HeldElsewhere:
    """What a run that the rival begins late comes to."""
    async with ledger.session() as session:
        facts = FlowRunFacts(run_id, DUE, scheduled=True)
        return await claim(session, facts, schedule_id=schedule_id, execution_id=None, now=LATE)


async def scheduled(ledger: Database, left_to: str) -> str:
    """A schedule `serve2 0` that is due at DUE; schedules with that prefix are left to the rival."""
    hourly = {"frequency": "cron", "expression": "0 * * * *", "timezone": "UTC"}
    schedule = await add_schedule(ledger, hourly, next_run=DUE)
    async with ledger.session() as session:
        await session.execute(update(Schedule).values(name="serve2 0"))
        await session.execute(text(left_to_the_rival(left_to, NOW)))
    return schedule.id


async def test_only_the_rivals_run_gets_the_occurrence(ledger: Database) -> None:
    schedule_id = await scheduled(ledger, "serve2")
    assert not await look(ledger, now=LATE)
    assert isinstance(await claimed(ledger, schedule_id, "served"), Claimed)
    assert isinstance(await claimed(ledger, schedule_id, "another"), Stopped)
    assert not await look(ledger, now=LATE + timedelta(minutes=10))


async def test_what_is_not_left_to_a_rival_is_handed_over(ledger: Database) -> None:
    await scheduled(ledger, "serve20")
    assert (await look(ledger, now=LATE)).lost == 1
