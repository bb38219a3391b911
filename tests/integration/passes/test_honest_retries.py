"""Many planned retries are no crash: the rescue lets them go on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from prefect.client.schemas.objects import StateType

from deployments.runs.rescue import MAX_PASSES, rescue
from mailroom.states import DeliveryState, ExecutionState

if TYPE_CHECKING:
    from tests.integration.passes.conftest import Desk, FlowRuns


async def test_a_late_run_goes_on_after_many_planned_retries(desk: Desk, flow_runs: FlowRuns) -> None:
    schedule = await desk.schedule()
    desk.mailbox.replies = dict.fromkeys(["ada@example.com", "bob@example.com"], "451 later")
    run_id = await flow_runs.create(schedule, await desk.requested(schedule))
    run = await flow_runs.work(run_id)
    assert run.state_type is StateType.SCHEDULED, "it waits for its next pass"
    late = datetime.now(UTC) + timedelta(hours=3)
    async with desk.database.session() as session:
        row = await session.merge(await desk.execution())
        row.pass_count = MAX_PASSES
    await rescue(flow_runs.client, desk.database, now=late)
    row = await desk.execution()
    assert row.status is ExecutionState.RETRYING, row.reason
    desk.mailbox.replies.clear()
    await desk.due_now()
    await flow_runs.work(run_id)
    assert (await desk.execution()).status is ExecutionState.SUCCESS
    assert {delivery.status for delivery in (await desk.deliveries()).values()} == {DeliveryState.DELIVERED}
