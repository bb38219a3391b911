"""An error that a pass survives: what the pass was for still happens, and nothing ends for good because of it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from prefect.client.schemas.objects import StateType

from deployments.runs.rescue import rescue
from mailroom.states import DeliveryState, ExecutionState
from mailroom.storage.database import new_id, of_process
from tests.support.gates import busy_once
from tests.support.wire import failing, intercepted

if TYPE_CHECKING:
    from tests.support.environment import Environment
    from tests.support.flow_runs import FlowRuns

BOTH = ["ada@example.com", "bob@example.com"]
SIX = [f"reader-{number}@example.com" for number in range(6)]
RECEIPT_OF_AN_ATTEMPT = r"UPDATE (attempts|deliveries) SET .*(outcome|receipt)"
"""How the statement begins that writes what became of an attempt."""


def mail_to(recipients: list[str]) -> list[dict[str, object]]:
    return [{"channel": "email", "connection": "smtp", "to": recipients}]


@pytest.mark.xfail(
    strict=True,
    raises=AssertionError,
    reason="Prefect's refusal of the run's readable name ends the pass before anything is rendered or sent.",
)
async def test_a_run_that_cannot_be_renamed_delivers_all_the_same(
    environment: Environment, flow_runs: FlowRuns
) -> None:
    schedule = await environment.create()
    run_id = await flow_runs.create(schedule, await environment.request(schedule))
    with intercepted(failing("PATCH", f"/flow_runs/{run_id}", b"Daily orders")):
        run = await flow_runs.work(run_id)
    assert environment.mail.taken() == BOTH
    assert run.state_type is StateType.COMPLETED
    assert (await environment.execution()).status is ExecutionState.SUCCESS


@pytest.mark.xfail(
    strict=True,
    raises=AssertionError,
    reason="When the summary cannot be written, Prefect's run fails, and the rescue ends an execution that retries.",
)
async def test_a_summary_that_cannot_be_written_does_not_end_what_is_retried(
    environment: Environment, flow_runs: FlowRuns
) -> None:
    schedule = await environment.create()
    environment.mail.replies["bob@example.com"] = "451 later"
    run_id = await flow_runs.create(schedule, await environment.request(schedule))
    with intercepted(failing("POST", "/artifacts/")):
        run = await flow_runs.work(run_id)
    assert (await environment.execution()).status is ExecutionState.RETRYING, "the ledger is right"
    await rescue(flow_runs.client, environment.database, now=datetime.now(UTC) + timedelta(minutes=10))
    assert (await environment.execution()).status is ExecutionState.RETRYING
    assert run.state_type is StateType.SCHEDULED


@pytest.mark.xfail(
    strict=True,
    raises=AssertionError,
    reason="A database that is busy for one receipt makes the run fail, and the rescue ends the execution for good.",
)
async def test_a_database_that_is_busy_once_does_not_end_an_execution(
    environment: Environment, flow_runs: FlowRuns
) -> None:
    schedule = await environment.create(destinations=mail_to(SIX))
    run_id = await flow_runs.create(schedule, await environment.request(schedule))
    with busy_once(of_process(str(environment.database.engine.url)), RECEIPT_OF_AN_ATTEMPT):
        await flow_runs.work(run_id)
    await rescue(flow_runs.client, environment.database, now=datetime.now(UTC) + timedelta(minutes=10))
    row = await environment.execution()
    assert row.status is not ExecutionState.FAILED, row.reason


@pytest.mark.xfail(
    strict=True,
    raises=AssertionError,
    reason="A database error in one delivery cancels the other deliveries of the pass while they are being sent.",
)
async def test_a_database_error_in_one_delivery_leaves_the_others_alone(environment: Environment) -> None:
    schedule = await environment.create(destinations=mail_to(SIX))
    execution = await environment.request(schedule)
    with busy_once(environment.database, RECEIPT_OF_AN_ATTEMPT):
        await asyncio.gather(environment.run_pass(schedule, execution), return_exceptions=True)
    states = [delivery.status for delivery in (await environment.deliveries()).values()]
    assert states.count(DeliveryState.DELIVERED) >= len(SIX) - 1, "five of six had no error"


@pytest.mark.xfail(
    strict=True,
    raises=AssertionError,
    reason="A receipt that the database did not take at once is thrown away, so the mail is sent a second time.",
)
async def test_a_receipt_in_hand_is_kept_while_the_database_is_busy(environment: Environment) -> None:
    schedule = await environment.create(destinations=mail_to(SIX[:1]))
    execution, run_id = await environment.request(schedule), new_id()
    with busy_once(environment.database, RECEIPT_OF_AN_ATTEMPT):
        await asyncio.gather(environment.run_pass(schedule, execution, run_id=run_id), return_exceptions=True)
    assert environment.mail.taken() == SIX[:1], "the far side has it"
    await environment.run_pass(schedule, execution, run_id=run_id, now=datetime.now(UTC) + timedelta(minutes=3))
    assert environment.mail.taken() == SIX[:1]
