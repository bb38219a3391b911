"""Prefect, the worker or our API is away over due times: each is accounted for afterwards, and sent at most once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from deployments import upkeep
from mailroom.schedules.watchdog import look
from tests.integration.outages.scene import HOUR, body

if TYPE_CHECKING:
    from tests.integration.outages.scene import Scene

pytestmark = pytest.mark.xdist_group("outages")


async def test_prefect_is_killed_over_three_due_times(scene: Scene) -> None:
    """It had planned one of them. What the watchdog finds meanwhile waits for Prefect."""
    schedule = await scene.create(body("outage", scene.hourly, catchup="all", overlap="allow"))
    await scene.settle(schedule)
    await scene.hours_pass(3)
    await scene.pool_paused(True)
    await scene.planned(schedule, 1, since=scene.began - 3 * HOUR)
    scene.house.kill("prefect")
    findings = await look(scene.database, now=datetime.now(UTC))
    assert (findings.lost, findings.missed) == (3, 0)
    await scene.settle(schedule)
    assert await scene.states(schedule) == ["pending"] * 3

    await scene.house.start("prefect")
    await scene.pool_paused(False)
    await scene.settle(schedule)
    await scene.all_end()
    assert await scene.proof(scene.began - 3 * HOUR) == {"success": 3}
    assert len(await scene.runs_of(schedule)) == 3, "the run that Prefect had was used"


async def test_the_worker_is_killed_over_three_due_times(scene: Scene) -> None:
    """Prefect has a late run for each; the policy wants the latest."""
    schedule = await scene.create(body("worker", scene.hourly, catchup="latest"))
    await scene.settle(schedule)
    await scene.hours_pass(3)
    scene.house.kill("worker")
    await scene.planned(schedule, 3, since=scene.began - 3 * HOUR)
    findings = await look(scene.database, now=datetime.now(UTC))
    assert (findings.lost, findings.missed) == (1, 2)
    await scene.settle(schedule)

    await scene.house.start("worker")
    await scene.all_end()
    assert await scene.proof(scene.began - 3 * HOUR) == {"missed": 2, "success": 1}
    assert len(await scene.runs_of(schedule)) == 3


async def test_the_api_is_killed_over_a_due_time(scene: Scene) -> None:
    """It had told Prefect of one schedule, and stored another as it died. The upkeep's run does its work."""
    house = scene.house
    await house.start("api")
    created = await scene.ask_api("POST", "/schedules/", json=body("known", scene.hourly))
    known = await scene.row(created["id"])
    await scene.settle(known)
    house.kill("api")
    stored = await scene.create(body("stored", scene.hourly))
    await scene.hours_pass(1)

    upkeep_id, _ = await upkeep.ensure(scene.client, scene.settings)
    run = await scene.client.create_flow_run_from_deployment(upkeep_id)
    await scene.ended(run.id)
    await scene.client.delete_deployment(upkeep_id)
    await scene.all_end()
    for schedule in (known, stored):
        assert await scene.states(schedule) == ["success"]

    await house.start("api")
    since = scene.began - HOUR
    stats = await scene.ask_api("GET", "/stats", params={"since": since.isoformat()})
    assert (stats["due"], stats["accounted"], stats["unaccounted"]) == (2, 2, 0)
    house.kill("api")
    assert await scene.proof(since) == {"success": 2}
