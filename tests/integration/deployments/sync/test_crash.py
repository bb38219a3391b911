"""A process that dies at any step of a write, and the next one that goes on."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from deployments.sync import in_step
from deployments.sync.desired import desired
from deployments.sync.diff import diff
from deployments.sync.observed import read
from mailroom.audit import repository as audit
from mailroom.schedules import repository as stored
from mailroom.schedules import service as schedules
from mailroom.states import SyncState

if TYPE_CHECKING:
    from tests.integration.deployments.conftest import Office


class Died(BaseException):
    """Nothing of the process goes on after it, as after kill -9."""


@pytest.mark.parametrize("change", ["create", "pause", "resume", "delete"])
@pytest.mark.parametrize("point", ["before Prefect's write", "after it"])
async def test_the_next_process_goes_on(
    office: Office, monkeypatch: pytest.MonkeyPatch, change: str, point: str
) -> None:
    schedule = await office.create()
    steps = {"create": [], "pause": ["pause"], "resume": ["pause", "resume"], "delete": ["delete"]}[change]
    for number, step in enumerate(steps):
        await office.reconciler.settle_schedule(schedule.id)
        async with office.database.session() as session:
            await getattr(schedules, step)(session, schedule.id, office.context())
        assert number < 2

    async def dies(*_: Any, **__: Any) -> None:
        raise Died

    with monkeypatch.context() as patched:
        if point == "after it":
            patched.setattr(stored, "mark_synced", dies)
        else:
            patched.setattr(in_step, "apply", dies)
        client = await office.reconciler._connected()
        with pytest.raises(Died):
            await office.reconciler._sync(client, schedule.id)
    assert (await office.row(schedule)).sync_state is SyncState.PENDING

    other = office.at(office.settings.prefect_api)
    await asyncio.wait_for(other.run_pass(), 30)
    row = await office.row(schedule)
    there = (await read(await other._connected(), [schedule.id])).get(schedule.id)
    assert diff(desired(row, office.settings), there) is None
    assert (row.sync_state, row.observed_generation) == (SyncState.SYNCED, row.generation)
    async with office.database.session() as session:
        events = await audit.list_page(session, entity_type="schedule", entity_id=schedule.id)
    assert {event.actor for event in events.items} == {office.owner.email}, "nobody's hand was in it"
    await other.close()
