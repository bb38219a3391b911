"""Schedules that Prefect refuses: their requests wait, and nobody else's wait with them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert

from mailroom.schedules import service as schedules
from mailroom.states import ExecutionKind, ExecutionState, SyncState
from mailroom.storage.database import new_id
from mailroom.storage.tables import Execution
from tests.support.wire import failing, intercepted

if TYPE_CHECKING:
    from tests.support.environment import Environment


def _waiting(schedule_id: str, earlier: datetime, number: int) -> dict[str, Any]:
    return {
        "id": new_id(),
        "schedule_id": schedule_id,
        "kind": ExecutionKind.RUN_NOW,
        "due_at": earlier + timedelta(seconds=number),
        "status": ExecutionState.PENDING,
        "created_at": earlier,
    }


async def test_requests_of_a_refused_schedule_do_not_hold_up_those_of_others(environment: Environment) -> None:
    refused, sound = await environment.create(name="Refused"), await environment.create(name="Sound")
    await environment.reconciler.settle_schedule(sound.id)
    async with environment.database.session() as session:
        kept = await session.merge(refused)
        kept.sync_state, kept.sync_error = SyncState.ERROR, "Prefect refused the change: 422"
        earlier = datetime.now(UTC) - timedelta(hours=1)
        await session.execute(insert(Execution), [_waiting(refused.id, earlier, number) for number in range(100)])
        requested = await schedules.request_execution(session, sound.id, ExecutionKind.RUN_NOW, environment.context())
    with intercepted(failing("POST", "/deployments/", refused.id.encode(), status=422)):
        for _ in range(2):
            await environment.reconciler.run_pass()
    async with environment.database.session() as session:
        row = await session.get(Execution, requested.id)
    assert row is not None
    assert row.flow_run_id is not None


async def test_more_refused_schedules_than_a_pass_takes_hold_up_neither_requests_nor_changes(
    environment: Environment,
) -> None:
    sound, changed = await environment.create(name="Sound"), await environment.create(name="Changed")
    await environment.reconciler.settle_schedule(sound.id)
    earlier = datetime.now(UTC) - timedelta(hours=1)
    refused = [await environment.create(name=f"Refused {number}") for number in range(110)]
    async with environment.database.session() as session:
        for schedule in refused:
            kept = await session.merge(schedule)
            kept.updated_at = earlier
        await session.execute(insert(Execution), [_waiting(one.id, earlier, 0) for one in refused])
        requested = await schedules.request_execution(session, sound.id, ExecutionKind.RUN_NOW, environment.context())
    # 500 is not final: the schedules stay pending, older than every other change.
    with intercepted(failing("POST", "/deployments/", b"Refused ", status=500)):
        for _ in range(2):
            await environment.reconciler.run_pass()
    assert (await environment.row(refused[0])).sync_error
    assert (await environment.row(changed)).sync_state is SyncState.SYNCED
    async with environment.database.session() as session:
        row = await session.get(Execution, requested.id)
    assert row is not None
    assert row.flow_run_id is not None
