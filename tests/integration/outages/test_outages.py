"""Prefect, the worker or our API is away over due times: each is accounted for afterwards, and sent at most once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from deployments import own_flows
from deployments.sync.desired_own import UPKEEP
from mailroom.schedules.watchdog import look
from tests.integration.outages.environment import HOUR, body

if TYPE_CHECKING:
    from tests.integration.outages.environment import OutageEnvironment

pytestmark = pytest.mark.xdist_group("outages")


async def test_prefect_is_killed_over_three_due_times(environment: OutageEnvironment) -> None:
    """It had planned one of them. What the watchdog finds meanwhile waits for Prefect."""
    schedule = await environment.create(**body("outage", environment.hourly, catchup="all", overlap="allow"))
    await environment.settle(schedule)
    await environment.hours_pass(3)
    await environment.pool_paused(True)
    await environment.planned(schedule, 1, since=environment.began - 3 * HOUR)
    environment.processes.kill("prefect")
    findings = await look(environment.database, now=datetime.now(UTC))
    assert (findings.lost, findings.missed) == (3, 0)
    await environment.settle(schedule)
    assert await environment.states(schedule) == ["pending"] * 3

    await environment.processes.start("prefect")
    await environment.pool_paused(False)
    await environment.settle(schedule)
    await environment.all_end()
    assert await environment.proof(environment.began - 3 * HOUR) == {"success": 3}
    assert len(await environment.runs_of(schedule)) == 3, "the run that Prefect had was used"


async def test_the_worker_is_killed_over_three_due_times(environment: OutageEnvironment) -> None:
    """Prefect has a late run for each; the policy wants the latest."""
    schedule = await environment.create(**body("worker", environment.hourly, catchup="latest"))
    await environment.settle(schedule)
    await environment.hours_pass(3)
    environment.processes.kill("worker")
    await environment.planned(schedule, 3, since=environment.began - 3 * HOUR)
    findings = await look(environment.database, now=datetime.now(UTC))
    assert (findings.lost, findings.missed) == (1, 2)
    await environment.settle(schedule)

    await environment.processes.start("worker")
    await environment.all_end()
    assert await environment.proof(environment.began - 3 * HOUR) == {"missed": 2, "success": 1}
    assert len(await environment.runs_of(schedule)) == 3


async def test_the_api_is_killed_over_a_due_time(environment: OutageEnvironment) -> None:
    """It had told Prefect of one schedule, and stored another as it died. The upkeep's run does its work."""
    processes = environment.processes
    await processes.start("api")
    created = await environment.ask_api("POST", "/schedules/", json=body("known", environment.hourly))
    known = await environment.row(created["id"])
    await environment.settle(known)
    processes.kill("api")
    stored = await environment.create(**body("stored", environment.hourly))
    await environment.hours_pass(1)

    upkeep_id, _ = await own_flows.ensure(environment.client, environment.settings, UPKEEP)
    run = await environment.client.create_flow_run_from_deployment(upkeep_id)
    await environment.ended(run.id)
    await environment.client.delete_deployment(upkeep_id)
    await environment.all_end()
    for schedule in (known, stored):
        assert await environment.states(schedule) == ["success"]

    await processes.start("api")
    since = environment.began - HOUR
    stats = await environment.ask_api("GET", "/stats", params={"since": since.isoformat()})
    assert (stats["due"], stats["accounted"], stats["unaccounted"]) == (2, 2, 0)
    processes.kill("api")
    assert await environment.proof(since) == {"success": 2}
