"""Whoever may be without the report is named wherever its execution is shown; in small places, the first few."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect.client.schemas.objects import StateType
from sqlalchemy import select

from mailroom.executions.reasons import MOST_NAMED
from mailroom.states import ExecutionState
from mailroom.storage.tables import Notification
from tests.support.samples import MAIL

if TYPE_CHECKING:
    from tests.support.environment import Environment
    from tests.support.flow_runs import FlowRuns

GOT_IT = "ada@example.com"
WITHOUT = [f"no-{number}@example.com" for number in range(MOST_NAMED + 2)]


async def test_a_partial_success_names_the_failed_recipients(environment: Environment, flow_runs: FlowRuns) -> None:
    schedule = await environment.create(destinations=[{**MAIL, "to": [GOT_IT, *WITHOUT]}])
    environment.mail.replies = dict.fromkeys(WITHOUT, "550 5.1.1 No such user")
    run = await flow_runs.work(await flow_runs.create(schedule, await environment.request(schedule)))
    row = await environment.execution()
    assert (row.status, run.state_type) == (ExecutionState.PARTIAL, StateType.FAILED)
    assert run.state is not None
    for shown in (run.state.message or "", row.reason, row.error_message or ""):
        assert [address for address in [GOT_IT, *WITHOUT] if address in shown] == WITHOUT[:MOST_NAMED]
        assert "and 2 more" in shown
    async with environment.database.session() as session:
        told = (await session.scalars(select(Notification))).one()
    assert [address for address in [GOT_IT, *WITHOUT] if address in told.body] == WITHOUT, "nobody is left out here"
    assert all(told.body.count(address) == 1 for address in WITHOUT)
