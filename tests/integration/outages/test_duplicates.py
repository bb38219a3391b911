"""Prefect inserts one occurrence twice, and two workers take a run each: one mail to each recipient."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.objects import StateType
from prefect.client.schemas.schedules import CronSchedule

from tests.integration.outages.environment import HOUR, body
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from tests.integration.outages.environment import OutageEnvironment

pytestmark = pytest.mark.xdist_group("outages")


async def test_two_workers_meet_over_one_occurrence(environment: OutageEnvironment) -> None:
    """The second run comes while the first worker has the mail half sent."""
    schedule = await environment.create(**body("twice", environment.hourly))
    await environment.settle(schedule)
    await environment.hours_pass(1)
    environment.mail.held.add("ada@twice.example")
    await environment.planned(schedule, 1, since=environment.began - HOUR)

    async def half_sent() -> bool | None:
        return bool(environment.mail.waiting) or None

    await eventually(half_sent, 120, environment.processes.told)
    (first,) = await environment.runs_of(schedule)
    with environment.processes.frozen("worker"):
        # What a deployment that was made anew leads to: PrefectHQ/prefect#18894.
        cron = CronSchedule(cron=environment.hourly["expression"], timezone="UTC")
        again = DeploymentScheduleCreate(slug="again", schedule=cron)
        await environment.client.create_deployment_schedules((await environment.deployment(schedule)).id, [again])
        await environment.planned(schedule, 1, since=environment.began - HOUR)
        await environment.processes.start("worker-2")
        second = next(run for run in await environment.runs_of(schedule) if run.id != first.id)
        assert second.expected_start_time == first.expected_start_time
        ended = await environment.ended(second.id)
    environment.processes.kill("worker-2")
    environment.mail.release()
    await environment.all_end()
    assert ended.state is not None
    assert ended.state.name == "Skipped"
    assert "Another flow run" in str(ended.state.message)
    assert (await environment.client.read_flow_run(first.id)).state_type is StateType.COMPLETED
    assert await environment.proof(environment.began - HOUR) == {"success": 1}
