"""Changes and deletions by hand a second or two around a due time, with the real Prefect: none is lost, none doubled.

Nothing works on the pool here; the test claims every run that Prefect has, as a worker would.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterTags
from sqlalchemy import select

from deployments.sync.desired import schedule_tag
from mailroom.access.viewer import SYSTEM
from mailroom.ledger.figures import figures
from mailroom.passes.claim import Claimed, FlowRunFacts, claim
from mailroom.schedules import service as schedules
from mailroom.schedules.spec import read_spec
from mailroom.schedules.watchdog import GRACE_AFTER_CHANGE, look
from mailroom.states import ExecutionKind
from mailroom.storage.tables import Execution, Schedule
from tests.integration.deployments.conftest import BODY

if TYPE_CHECKING:
    from tests.support.environment import Environment

SECOND = timedelta(seconds=1)


async def _until(moment: datetime) -> None:
    await asyncio.sleep(max(0.0, (moment - datetime.now(UTC)).total_seconds()))


async def _edit(environment: Environment, schedule: Schedule, at: str) -> None:
    body = read_spec({**BODY, "name": "Edited", "timing": {"frequency": "daily", "at": at}})
    async with environment.database.session() as session:
        await schedules.replace(session, schedule.id, body, environment.context(), if_match=None)
    await environment.reconciler.settle_schedule(schedule.id)


async def _change(environment: Environment, what: Any, schedule: Schedule, now: datetime) -> None:
    """Pause, resume or delete the schedule at that moment."""
    async with environment.database.session() as session:
        await what(session, schedule.id, replace(environment.context(), now=now))
    await environment.reconciler.settle_schedule(schedule.id)


async def _states(environment: Environment, schedule: Schedule) -> list[str]:
    async with environment.database.session() as session:
        query = select(Execution).where(Execution.schedule_id == schedule.id, Execution.kind == ExecutionKind.SCHEDULED)
        return [str(row.status) for row in await session.scalars(query)]


async def _claims(environment: Environment, schedule: Schedule) -> int:
    """Claim every run that is due in Prefect; returns how many claims succeed."""
    async with PrefectClient(environment.settings.prefect_api) as client:
        tags = FlowRunFilterTags(all_=[schedule_tag(schedule.id)])
        runs = await client.read_flow_runs(flow_run_filter=FlowRunFilter(tags=tags))
    won = 0
    for run in runs:
        now = datetime.now(UTC)
        if run.expected_start_time is None or run.expected_start_time > now:
            continue
        facts = FlowRunFacts(str(run.id), run.expected_start_time, run.auto_scheduled)
        wanted = run.parameters.get("execution_id")
        async with environment.database.session() as session:
            result = await claim(session, facts, schedule_id=schedule.id, execution_id=wanted, now=now)
        won += isinstance(result, Claimed)
    return won


async def test_security_45_around_its_time_nothing_is_lost_and_nothing_doubled(environment: Environment) -> None:
    due = (datetime.now(UTC) + timedelta(seconds=80)).replace(second=0, microsecond=0)
    at = f"{due:%H:%M}"
    made = [await environment.create(timing={"frequency": "daily", "at": at}) for _ in range(9)]
    before, moved, after, by_hand, paused, deleted, paused_before, resumed_before, deleted_before = made
    for schedule in made:
        await environment.reconciler.settle_schedule(schedule.id)
    await _change(environment, schedules.pause, resumed_before, datetime.now(UTC))
    await _until(due - 3 * SECOND)
    await _change(environment, schedules.pause, paused_before, due - 3 * SECOND)
    await _change(environment, schedules.delete, deleted_before, due - 3 * SECOND)
    await _change(environment, schedules.resume, resumed_before, due - 2 * SECOND)
    await _until(due - 1.5 * SECOND)
    async with PrefectClient(environment.settings.prefect_api) as client:
        await client.delete_deployment((await environment.deployment(by_hand)).id)
    await _edit(environment, before, at)
    await _until(due + SECOND)
    await _edit(environment, after, at)
    await _edit(environment, moved, f"{due - timedelta(hours=1):%H:%M}")
    await _change(environment, schedules.pause, paused, datetime.now(UTC))
    await _change(environment, schedules.delete, deleted, datetime.now(UTC))
    await _until(due + GRACE_AFTER_CHANGE + 2 * SECOND)
    # The one whose deployment was deleted was not changed by us: it has the longer grace.
    await look(environment.database, now=datetime.now(UTC))
    await look(environment.database, now=due + timedelta(minutes=2, seconds=1))
    await environment.reconciler.run_pass()
    await environment.reconciler.close()
    for schedule in (before, moved, after, by_hand, resumed_before):
        assert await _states(environment, schedule) == ["pending"], schedule.id
        assert await _claims(environment, schedule) == 1, schedule.id
        assert await _claims(environment, schedule) <= 1, "the same run may ask again"
    for schedule in (paused, deleted):
        assert await _states(environment, schedule) == ["skipped"]
        assert await _claims(environment, schedule) == 0
    for schedule in (paused_before, deleted_before):
        assert await _states(environment, schedule) == [], "it was not due"
        assert await _claims(environment, schedule) == 0
    async with environment.database.session() as session:
        found = await figures(session, viewer=SYSTEM, since=due - timedelta(minutes=5), until=datetime.now(UTC))
    assert (found.due, found.accounted, found.unaccounted) == (7, 7, 0)
