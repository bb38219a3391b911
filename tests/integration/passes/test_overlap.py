"""Occurrences of one schedule that begin in the same instant, in processes that know nothing of each other."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from mailroom.passes.claim import FlowRunFacts
from mailroom.passes.work import Begun, Work
from mailroom.settings import Settings
from mailroom.storage.database import Database, new_id
from mailroom.storage.tables import Execution
from tests.integration.conftest import NOW, add_schedule

EVERY_MINUTE = {"frequency": "cron", "expression": "* * * * *", "timezone": "UTC"}
COUNT = 6


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ({"overlap": "skip", "catchup": "none"}, {"running": 1, "skipped": COUNT - 1}),
        ({"overlap": "buffer_one", "catchup": "none"}, {"running": 1, "pending": 1, "skipped": COUNT - 2}),
        ({"overlap": "allow", "catchup": "none"}, {"running": COUNT}),
        ({"overlap": "skip", "catchup": "latest"}, {"running": 1, "missed": COUNT - 1}),
    ],
    ids=lambda value: "-".join(map(str, value.values())),
)
async def test_security_46_all_at_once(
    ledger: Database, tmp_path: Path, policy: dict[str, Any], expected: dict[str, int]
) -> None:
    statuses, begun = await _all_at_once(ledger, tmp_path, policy)
    assert Counter(statuses) == expected
    assert begun == expected["running"]


async def test_all_at_once_and_each_cancels_the_earlier_ones(ledger: Database, tmp_path: Path) -> None:
    statuses, begun = await _all_at_once(ledger, tmp_path, {"overlap": "cancel_other", "catchup": "none"})
    assert statuses[-1] == "running", "the last due is the one that goes on, whoever came first"
    assert set(statuses[:-1]) <= {"cancelled", "skipped"}
    assert begun == 1 + statuses.count("cancelled")


async def _all_at_once(ledger: Database, folder: Path, policy: dict[str, Any]) -> tuple[list[str], int]:
    """What becomes of some occurrences, by due time, and how many of them were let through."""
    schedule = await add_schedule(ledger, EVERY_MINUTE)
    async with ledger.session() as session:
        session.add(schedule)
        schedule.policy_config = {"policy": policy, "condition": {}}
    settings, now = Settings(data_dir=folder), NOW + timedelta(minutes=COUNT)
    dues = [NOW + timedelta(minutes=minute) for minute in range(1, COUNT + 1)]
    runs = [Work(ledger, settings, FlowRunFacts(new_id(), due, scheduled=True)) for due in dues]
    results = await asyncio.gather(*(work.begin(schedule.id, None, now=now) for work in runs))
    async with ledger.session() as session:
        rows = (await session.scalars(select(Execution).order_by(Execution.due_at))).all()
    assert [row.due_at for row in rows] == dues
    return [str(row.status) for row in rows], sum(isinstance(result, Begun) for result in results)
