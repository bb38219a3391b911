"""A process that dies at any step of a write, and the next one that goes on."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from prefect.client.orchestration import PrefectClient

from deployments.sync.desired import desired
from deployments.sync.diff import diff
from deployments.sync.observed import read
from deployments.sync.schedule_syncer import sync_schedule
from deployments.write_limiter import WriteLimiter
from mailroom.access.viewer import SYSTEM
from mailroom.audit import repository as audit
from mailroom.schedules import repository as stored
from mailroom.schedules import service as schedules
from mailroom.states import SyncState

if TYPE_CHECKING:
    from tests.support.environment import Environment


class Died(BaseException):
    """Ends a process so that none of its code runs any more, as kill -9 does."""


@pytest.mark.parametrize("change", ["create", "pause", "resume", "delete"])
@pytest.mark.parametrize("point", ["before Prefect's write", "after it"])
async def test_security_45_the_next_process_goes_on(
    environment: Environment, monkeypatch: pytest.MonkeyPatch, change: str, point: str
) -> None:
    schedule = await environment.create()
    steps = {"create": [], "pause": ["pause"], "resume": ["pause", "resume"], "delete": ["delete"]}[change]
    for number, step in enumerate(steps):
        await environment.reconciler.settle_schedule(schedule.id)
        async with environment.database.session() as session:
            await getattr(schedules, step)(session, schedule.id, environment.context())
        assert number < 2

    async def dies(*_: Any, **__: Any) -> None:
        raise Died

    async def dies_before_a_write(request: httpx.Request) -> None:
        if request.method != "GET" and not request.url.path.endswith(("/filter", "/count")):
            raise Died

    hooks = {"request": [dies_before_a_write]} if point == "before Prefect's write" else {}
    api, settings = environment.settings.prefect_api, environment.settings
    with monkeypatch.context() as patched:
        if point == "after it":
            patched.setattr(stored, "mark_synced", dies)
        async with PrefectClient(api, httpx_settings={"event_hooks": hooks}) as client:
            with pytest.raises(Died):
                await sync_schedule(
                    client, environment.database, settings, WriteLimiter(1000), schedule.id, clock=environment.now
                )
    assert (await environment.row(schedule)).sync_state is SyncState.PENDING

    other = environment.at(environment.settings.prefect_api)
    await asyncio.wait_for(other.run_pass(), 30)
    row = await environment.row(schedule)
    async with PrefectClient(api) as client:
        there = (await read(client, [schedule.id])).get(schedule.id)
    assert diff(desired(row, environment.settings), there) is None
    assert (row.sync_state, row.observed_generation) == (SyncState.SYNCED, row.generation)
    of_schedule = audit.AuditFilter(entity_type="schedule", entity_id=schedule.id)
    async with environment.database.session() as session:
        events = await audit.list_page(session, wanted=of_schedule, viewer=SYSTEM)
    assert {event.actor for event in events.items} == {environment.owner.email}, "nobody's hand was in it"
    await other.close()
