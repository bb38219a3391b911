"""Many planned retries are no crash: the rescue lets them go on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from prefect.client.schemas.objects import StateType

from deployments.runs.rescue import MAX_PASSES, rescue
from mailroom.states import DeliveryState, ExecutionState

if TYPE_CHECKING:
    from tests.support.environment import Environment
    from tests.support.flow_runs import FlowRuns


async def test_a_late_run_goes_on_after_many_planned_retries(environment: Environment, flow_runs: FlowRuns) -> None:
    schedule = await environment.create()
    environment.mail.replies = dict.fromkeys(["ada@example.com", "bob@example.com"], "451 later")
    run_id = await flow_runs.create(schedule, await environment.request(schedule))
    run = await flow_runs.work(run_id)
    assert run.state_type is StateType.SCHEDULED, "it waits for its next pass"
    late = datetime.now(UTC) + timedelta(hours=3)
    async with environment.database.session() as session:
        row = await session.merge(await environment.execution())
        row.pass_count = MAX_PASSES
    await rescue(flow_runs.client, environment.database, now=late)
    row = await environment.execution()
    assert row.status is ExecutionState.RETRYING, row.reason
    environment.mail.replies.clear()
    await environment.due_now()
    await flow_runs.work(run_id)
    assert (await environment.execution()).status is ExecutionState.SUCCESS
    assert {delivery.status for delivery in (await environment.deliveries()).values()} == {DeliveryState.DELIVERED}
