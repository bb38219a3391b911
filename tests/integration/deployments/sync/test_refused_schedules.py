"""Schedules that Prefect refuses: their requests wait, and nobody else's wait with them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import insert

from mailroom.schedules import service as schedules
from mailroom.states import ExecutionKind, ExecutionState, SyncState
from mailroom.storage.database import new_id
from mailroom.storage.tables import Execution
from tests.support.wire import failing, intercepted

if TYPE_CHECKING:
    from tests.support.environment import Environment


@pytest.mark.xfail(
    strict=True,
    raises=AssertionError,
    reason="A pass takes the hundred oldest requests, also those that get no run, so they keep all later ones waiting.",
)
async def test_requests_of_a_refused_schedule_do_not_hold_up_those_of_others(environment: Environment) -> None:
    refused, sound = await environment.create(name="Refused"), await environment.create(name="Sound")
    await environment.reconciler.settle_schedule(sound.id)
    async with environment.database.session() as session:
        kept = await session.merge(refused)
        kept.sync_state, kept.sync_error = SyncState.ERROR, "Prefect refused the change: 422"
        earlier = datetime.now(UTC) - timedelta(hours=1)
        waiting = [
            {
                "id": new_id(),
                "schedule_id": refused.id,
                "kind": ExecutionKind.RUN_NOW,
                "due_at": earlier + timedelta(seconds=number),
                "status": ExecutionState.PENDING,
                "created_at": earlier,
            }
            for number in range(100)
        ]
        await session.execute(insert(Execution), waiting)
        requested = await schedules.request_execution(session, sound.id, ExecutionKind.RUN_NOW, environment.context())
    with intercepted(failing("POST", "/deployments/", refused.id.encode(), status=422)):
        for _ in range(2):
            await environment.reconciler.run_pass()
    async with environment.database.session() as session:
        row = await session.get(Execution, requested.id)
    assert row is not None
    assert row.flow_run_id is not None
