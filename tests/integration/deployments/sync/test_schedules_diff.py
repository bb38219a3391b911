"""`mailroom schedules diff` as a person calls it, over a real Prefect."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import DeploymentUpdate

from deployments.sync.observed import read_others
from tests.support.prefect import NOBODY_LISTENS

if TYPE_CHECKING:
    from tests.support.environment import Environment


async def _diff(environment: Environment, prefect: str | None = None) -> tuple[int, Any, str]:
    variables = {
        **os.environ,
        "MAILROOM_DATABASE_URL": str(environment.database.engine.url),
        "MAILROOM_PREFECT_API_URL": prefect or environment.settings.prefect_api,
    }
    command = [sys.executable, "-m", "cli.main", "schedules", "diff", "--json"]
    done = await asyncio.to_thread(subprocess.run, command, env=variables, capture_output=True, text=True, timeout=90)
    return done.returncode, json.loads(done.stdout) if done.stdout else None, done.stderr


async def test_differences_are_listed_and_nothing_is_changed(environment: Environment) -> None:
    async with PrefectClient(environment.settings.prefect_api) as client:
        for left in await read_others(client, []):  # Of other tests, with other databases.
            await client.delete_deployment(left.id)
        schedule = await environment.create()
        await environment.reconciler.settle_schedule(schedule.id)
        assert await _diff(environment) == (0, [], "")

        new = await environment.create(name="Not yet there")
        deployment = await environment.deployment(schedule)
        await client.update_deployment(deployment.id, DeploymentUpdate(description="by hand", tags=deployment.tags))
        status, rows, _ = await _diff(environment)
        assert status == 1
        assert {(row["schedule_id"], row["what"], row["by_hand"]) for row in rows} == {
            (schedule.id, "update", True),
            (new.id, "create", False),
        }
        changes = next(row["changes"] for row in rows if row["what"] == "update")
        assert changes["description"][0] == "by hand"
        assert (await environment.deployment(schedule)).description == "by hand", "it only looks"


async def test_an_unreachable_prefect_is_status_two(environment: Environment) -> None:
    status, rows, said = await _diff(environment, NOBODY_LISTENS)
    assert (status, rows) == (2, None)
    assert "Prefect does not answer" in said
