"""Prefect inserts one occurrence twice, and two workers take a run each: one mail to each recipient."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.objects import StateType
from prefect.client.schemas.schedules import CronSchedule

from tests.integration.outages.scene import HOUR, body
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from tests.integration.outages.scene import Scene

pytestmark = pytest.mark.xdist_group("outages")


async def test_two_workers_meet_over_one_occurrence(scene: Scene) -> None:
    """The second run comes while the first worker has the mail half sent."""
    schedule = await scene.create(body("twice", scene.hourly))
    await scene.settle(schedule)
    await scene.hours_pass(1)
    scene.mail.held.add("ada@twice.example")
    await scene.planned(schedule, 1, since=scene.began - HOUR)

    async def half_sent() -> bool | None:
        return bool(scene.mail.waiting) or None

    await eventually(half_sent, 120, scene.house.told)
    (first,) = await scene.runs_of(schedule)
    with scene.house.frozen("worker"):
        # What a deployment that was made anew leads to: PrefectHQ/prefect#18894.
        cron = CronSchedule(cron=scene.hourly["expression"], timezone="UTC")
        again = DeploymentScheduleCreate(slug="again", schedule=cron)
        await scene.client.create_deployment_schedules(await scene.deployment(schedule), [again])
        await scene.planned(schedule, 1, since=scene.began - HOUR)
        await scene.house.start("worker-2")
        second = next(run for run in await scene.runs_of(schedule) if run.id != first.id)
        assert second.expected_start_time == first.expected_start_time
        ended = await scene.ended(second.id)
    scene.house.kill("worker-2")
    scene.mail.release()
    await scene.all_end()
    assert ended.state is not None
    assert ended.state.name == "Skipped"
    assert "has this occurrence" in str(ended.state.message)
    assert (await scene.client.read_flow_run(first.id)).state_type is StateType.COMPLETED
    assert await scene.proof(scene.began - HOUR) == {"success": 1}
