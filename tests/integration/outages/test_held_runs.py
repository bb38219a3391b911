"""Changes a second or two before a due time, when a worker has claimed the run for it already.

Prefect throws away the runs that it has planned; this one goes on to the worker's child whatever happens.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from prefect.client.schemas.objects import StateType

from deployments.reconcile import Reconciler
from mailroom.schedules import service as schedules
from mailroom.schedules.spec import read_spec
from mailroom.schedules.watchdog import GRACE, look
from mailroom.states import ExecutionKind
from tests.integration.outages.environment import HOUR, body
from tests.integration.outages.processes import SLOTS
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from mailroom.storage.tables import Schedule
    from tests.integration.outages.environment import OutageEnvironment

pytestmark = pytest.mark.xdist_group("outages")
SECOND = timedelta(seconds=1)
CHANGES = ("edited", "moved", "paused", "resumed", "deleted", "by-hand")


async def _fill_the_worker(environment: OutageEnvironment) -> None:
    """Give every slot a run that waits for its mail to be taken, so that further runs are claimed and not begun."""
    blocker = await environment.create(**body("blocker", {"frequency": "yearly", "month": 1, "day": 1, "at": "00:00"}))
    environment.mail.held.add("ada@blocker.example")
    async with environment.database.session() as session:
        for _ in range(SLOTS):
            await schedules.request_execution(session, blocker.id, ExecutionKind.RUN_NOW, environment.context())
    await environment.settle(blocker)

    async def full() -> bool | None:
        return len(environment.mail.waiting) == SLOTS or None

    await eventually(full, 120, environment.processes.told)


async def _claimed(environment: OutageEnvironment, made: list[Schedule]) -> None:
    async def look() -> bool | None:
        runs = [run for schedule in made for run in await environment.runs_of(schedule)]
        return (len(runs) == len(made) and {run.state_type for run in runs} == {StateType.PENDING}) or None

    await eventually(look, 120, environment.processes.told)


async def test_a_worker_that_has_the_run_heeds_the_last_second(environment: OutageEnvironment) -> None:
    due = environment.began.replace(second=0, microsecond=0)
    daily = {"frequency": "daily", "at": f"{due:%H:%M}"}
    await _fill_the_worker(environment)
    made = {name: await environment.create(**body(name, daily), now=due - HOUR) for name in CHANGES}
    await environment.settle(*made.values())
    for schedule in made.values():
        await environment.planned(schedule, 1, since=due - SECOND)
    await _claimed(environment, list(made.values()))

    before = due - 2 * SECOND
    for name, spec in (("edited", daily), ("moved", {**daily, "at": f"{due - HOUR:%H:%M}"})):
        async with environment.database.session() as session:
            wanted = read_spec(body(name, spec))
            await schedules.replace(session, made[name].id, wanted, environment.context(before), if_match=None)
    await environment.change(schedules.pause, made["paused"], before)
    await environment.change(schedules.pause, made["resumed"], before - SECOND)
    await environment.change(schedules.resume, made["resumed"], before + SECOND)
    await environment.change(schedules.delete, made["deleted"], before)
    await environment.client.delete_deployment((await environment.deployment(made["by-hand"])).id)
    await environment.settle(*made.values())

    environment.mail.release()
    await environment.all_end()
    await look(environment.database, now=due + GRACE + SECOND)
    reconciler = Reconciler(environment.database, environment.settings)
    await reconciler.repair(seconds=10)
    await reconciler.close()
    await environment.all_end()
    ends = {name: await environment.states(schedule) for name, schedule in made.items()}
    assert ends == {
        "edited": ["success"],
        "moved": [],
        "paused": ["skipped"],
        "resumed": ["success"],
        "deleted": ["skipped"],
        "by-hand": ["success"],
    }
    assert await environment.proof(due - HOUR) == {"success": 3, "skipped": 2}
