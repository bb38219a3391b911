"""The clock steps an hour forward and back while schedules are due: what was due counts once.

The watchdog and the changes are given the stepped time; Prefect and the worker go by the machine's.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from prefect.client.schemas.objects import State
from prefect.states import Scheduled

from mailroom.schedules import service as schedules
from mailroom.schedules.watchdog import look
from tests.integration.outages.scene import HOUR, body

if TYPE_CHECKING:
    from tests.integration.outages.scene import Scene

pytestmark = pytest.mark.xdist_group("outages")
SECOND = timedelta(seconds=1)


async def test_an_hour_forward_and_back_again(scene: Scene) -> None:
    """What the step makes due is sent at once; when its time comes, Prefect's own run for it finds that done."""
    schedule = await scene.create(body("forward", scene.hourly))
    await scene.settle(schedule)
    ahead = scene.began + HOUR
    await scene.planned(schedule, 1, since=scene.began, until=ahead)
    (planned,) = await scene.runs_of(schedule, until=ahead)
    assert (await look(scene.database, now=ahead)).lost == 1
    await scene.settle(schedule)
    await scene.all_end()
    assert await scene.proof(scene.began, ahead) == {"success": 1}

    for now in (scene.began, ahead, scene.began):
        assert not await look(scene.database, now=now)
    early: State[object] = Scheduled(scheduled_time=scene.began)
    await scene.client.set_flow_run_state(planned.id, early, force=True)
    ended = await scene.ended(planned.id)
    assert "has this occurrence" in str(ended.state and ended.state.message)
    await scene.all_end()
    assert await scene.proof(scene.began, ahead) == {"success": 1}


async def test_an_hour_back_that_is_lived_again(scene: Scene) -> None:
    """Changes in that hour count by the clock, and have Prefect plan what it had planned before."""
    schedule = await scene.create(body("back", scene.hourly))
    await scene.settle(schedule)
    await scene.hours_pass(1)
    assert (await look(scene.database, now=scene.began)).lost == 1
    await scene.settle(schedule)
    await scene.all_end()
    assert await scene.states(schedule) == ["success"]

    back = scene.began - HOUR
    assert not await look(scene.database, now=back)
    await scene.change(schedules.pause, schedule, back + SECOND)
    await scene.settle(schedule)
    await scene.change(schedules.resume, schedule, back + 2 * SECOND)
    await scene.settle(schedule)
    await scene.planned(schedule, 1, since=back)
    assert not await look(scene.database, now=scene.began)
    await scene.all_end()
    assert len(await scene.runs_of(schedule)) == 2, "one of the watchdog, one of Prefect"
    assert await scene.proof(back) == {"success": 1}
