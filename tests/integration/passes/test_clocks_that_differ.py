"""Two hosts whose clocks differ by a minute work on one database: no lease is broken, and nothing begins too early."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mailroom.executions import lifecycle, silence
from mailroom.passes.claim import FlowRunFacts, HeldElsewhere, claim
from mailroom.passes.lease import LENGTH
from mailroom.passes.work import Work
from mailroom.settings import Settings
from mailroom.storage.database import Database, new_id
from mailroom.storage.hosts.clock import DatabaseClock
from mailroom.storage.tables import Execution
from tests.integration.conftest import add_schedule

SKEW = timedelta(seconds=30)


def _host(url: str, skew: timedelta) -> Database:
    return Database(url, clock=DatabaseClock(lambda: datetime.now(UTC) + skew))


@pytest.fixture(params=[1, -1], ids=["the worker is behind", "the worker is ahead"])
async def hosts(
    request: pytest.FixtureRequest, migrated_url: Callable[[str], str]
) -> AsyncIterator[tuple[Database, Database]]:
    """Open one database from the host of a worker and from the host of an API process."""
    url = migrated_url("postgres")
    found = _host(url, -request.param * SKEW), _host(url, request.param * SKEW)
    for host in found:
        await host.agree_on_time()
    yield found
    for host in found:
        await host.close()


async def _begun(worker: Database, run_id: str) -> Execution:
    """Begin a pass on the host of the worker."""
    schedule = await add_schedule(worker)
    async with worker.session() as session:
        now = worker.now()
        due_at = now.replace(second=0, microsecond=0) - timedelta(minutes=1)
        execution = await lifecycle.insert_occurrence(session, schedule.id, due_at, flow_run_id=run_id, now=now)
        lifecycle.begin_pass(execution, now=now, lease_until=now + LENGTH)
    return execution


async def test_a_lease_that_one_host_writes_holds_on_another(hosts: tuple[Database, Database]) -> None:
    worker, api = hosts
    run_id = new_id()
    execution = await _begun(worker, run_id)
    assert execution.lease_until is not None
    async with api.session() as session:
        found = await silence.silent(session, before=api.now(), now=api.now(), limit=10)
    assert list(found) == [], "the worker lives"
    async with api.session() as session:
        facts = FlowRunFacts(run_id, execution.due_at, scheduled=True)
        claimed = await claim(session, facts, schedule_id=execution.schedule_id, execution_id=None, now=api.now())
    assert isinstance(claimed, HeldElsewhere)
    later = api.now() + LENGTH
    async with api.session() as session:
        found = await silence.silent(session, before=later, now=later, limit=10)
    assert [row.id for row in found] == [execution.id], "and it is found as soon as its lease has ended"


async def test_a_run_that_a_worker_begins_too_early_waits_for_its_time(
    hosts: tuple[Database, Database], tmp_path: Path
) -> None:
    worker, api = hosts
    schedule = await add_schedule(worker)
    due_at = api.now() + timedelta(seconds=1.5)
    work = Work(worker, Settings(data_dir=tmp_path), FlowRunFacts(new_id(), due_at, scheduled=True))
    await work.begin(schedule.id, None)
    assert api.now() >= due_at


async def test_what_a_person_begins_long_before_its_time_does_not_wait(
    hosts: tuple[Database, Database], tmp_path: Path
) -> None:
    worker, _ = hosts
    schedule = await add_schedule(worker)
    due_at = worker.now() + timedelta(hours=1)
    work = Work(worker, Settings(data_dir=tmp_path), FlowRunFacts(new_id(), due_at, scheduled=True))
    await work.begin(schedule.id, None)
    assert worker.now() < due_at
