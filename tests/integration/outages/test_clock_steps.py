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
from tests.integration.outages.environment import HOUR, body

if TYPE_CHECKING:
    from tests.integration.outages.environment import OutageEnvironment

pytestmark = pytest.mark.xdist_group("outages")
SECOND = timedelta(seconds=1)


async def test_security_46_an_hour_forward_and_back_again(environment: OutageEnvironment) -> None:
    """What the step makes due is sent at once; when its time comes, Prefect's own run for it finds that done."""
    schedule = await environment.create(**body("forward", environment.hourly))
    await environment.settle(schedule)
    ahead = environment.began + HOUR
    await environment.planned(schedule, 1, since=environment.began, until=ahead)
    (planned,) = await environment.runs_of(schedule, until=ahead)
    assert (await look(environment.database, now=ahead)).lost == 1
    await environment.settle(schedule)
    await environment.all_end()
    assert await environment.proof(environment.began, ahead) == {"success": 1}

    for now in (environment.began, ahead, environment.began):
        assert not await look(environment.database, now=now)
    early: State[object] = Scheduled(scheduled_time=environment.began)
    await environment.client.set_flow_run_state(planned.id, early, force=True)
    ended = await environment.ended(planned.id)
    assert "Another flow run" in str(ended.state and ended.state.message)
    await environment.all_end()
    assert await environment.proof(environment.began, ahead) == {"success": 1}


async def test_security_46_an_hour_back_that_is_lived_again(environment: OutageEnvironment) -> None:
    """Changes in that hour count by the clock, and have Prefect plan what it had planned before."""
    schedule = await environment.create(**body("back", environment.hourly))
    await environment.settle(schedule)
    await environment.hours_pass(1)
    assert (await look(environment.database, now=environment.began)).lost == 1
    await environment.settle(schedule)
    await environment.all_end()
    assert await environment.states(schedule) == ["success"]

    back = environment.began - HOUR
    assert not await look(environment.database, now=back)
    await environment.change(schedules.pause, schedule, back + SECOND)
    await environment.settle(schedule)
    await environment.change(schedules.resume, schedule, back + 2 * SECOND)
    await environment.settle(schedule)
    await environment.planned(schedule, 1, since=back)
    assert not await look(environment.database, now=environment.began)
    await environment.all_end()
    assert len(await environment.runs_of(schedule)) == 2, "one of the watchdog, one of Prefect"
    assert await environment.proof(back) == {"success": 1}
