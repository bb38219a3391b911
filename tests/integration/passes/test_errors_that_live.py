"""An error that a pass survives: what the pass was for still happens, and nothing ends for good because of it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from prefect.client.schemas.objects import StateType
from sqlalchemy import select

from deployments.runs.rescue import rescue
from mailroom.executions import delivery_lifecycle
from mailroom.executions.reasons import ReasonCode
from mailroom.passes import work
from mailroom.passes.mishaps.patience import LEAST_RETRIES
from mailroom.passes.outcome import Outcome
from mailroom.passes.steps import begin
from mailroom.states import DeliveryState, ExecutionState
from mailroom.storage.database import new_id, of_process
from mailroom.storage.tables import Attempt, Delivery, Notification
from tests.support.gates import busy_once
from tests.support.wire import failing, intercepted

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from tests.support.environment import Environment
    from tests.support.flow_runs import FlowRuns

BOTH = ["ada@example.com", "bob@example.com"]
SIX = [f"reader-{number}@example.com" for number in range(6)]
RECEIPT_OF_AN_ATTEMPT = r"UPDATE (attempts|deliveries) SET [^(]*(outcome|receipt)"
"""How the statement begins that writes what became of an attempt, and not the one that begins it."""


def mail_to(recipients: list[str]) -> list[dict[str, object]]:
    return [{"channel": "email", "connection": "smtp", "to": recipients}]


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


async def test_a_database_error_in_one_delivery_leaves_the_others_alone(environment: Environment) -> None:
    schedule = await environment.create(destinations=mail_to(SIX))
    execution = await environment.request(schedule)
    with busy_once(environment.database, RECEIPT_OF_AN_ATTEMPT):
        await asyncio.gather(environment.run_pass(schedule, execution), return_exceptions=True)
    states = [delivery.status for delivery in (await environment.deliveries()).values()]
    assert states.count(DeliveryState.DELIVERED) >= len(SIX) - 1, "five of six had no error"


async def test_an_error_of_ours_in_one_delivery_leaves_the_others_alone(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    schedule = await environment.create(destinations=mail_to(SIX))
    execution, run_id, begin = await environment.request(schedule), new_id(), delivery_lifecycle.begin_attempt

    async def broken(session: AsyncSession, delivery: Delivery, **named: Any) -> Attempt | None:
        if delivery.recipient == SIX[0]:
            raise ZeroDivisionError
        return await begin(session, delivery, **named)

    with monkeypatch.context() as patch:
        patch.setattr(delivery_lifecycle, "begin_attempt", broken)
        result = await environment.run_pass(schedule, execution, run_id=run_id)
    assert isinstance(result, Outcome)
    assert result.state is ExecutionState.RETRYING
    assert sorted(environment.mail.taken()) == sorted(SIX[1:]), "five of six had no error"
    await environment.run_pass(schedule, execution, run_id=run_id, now=datetime.now(UTC) + timedelta(minutes=3))
    assert sorted(environment.mail.taken()) == sorted(SIX)


async def test_a_receipt_in_hand_is_kept_while_the_database_is_busy(environment: Environment) -> None:
    schedule = await environment.create(destinations=mail_to(SIX[:1]))
    execution, run_id = await environment.request(schedule), new_id()
    with busy_once(environment.database, RECEIPT_OF_AN_ATTEMPT):
        await asyncio.gather(environment.run_pass(schedule, execution, run_id=run_id), return_exceptions=True)
    assert environment.mail.taken() == SIX[:1], "the far side has it"
    await environment.run_pass(schedule, execution, run_id=run_id, now=datetime.now(UTC) + timedelta(minutes=3))
    assert environment.mail.taken() == SIX[:1]


async def test_an_error_of_ours_is_retried_until_the_run_expires_and_then_told_once(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    schedule = await environment.create(policy={"expires_after": "PT1M"})
    execution, run_id = await environment.request(schedule), new_id()

    async def broken(*_arguments: object, **_named: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(work, "render_report", broken)
    for number in range(1, LEAST_RETRIES + 1):
        result = await environment.run_pass(schedule, execution, run_id=run_id)
        assert isinstance(result, Outcome)
        assert (result.state, result.reason.code) == (ExecutionState.RETRYING, ReasonCode.OWN_ERROR_RETRY)
        row = await environment.execution()
        assert (row.status, row.error_count, row.error_id) == (
            ExecutionState.RETRYING,
            number,
            result.reason.values["error_id"],
        )
        assert await _notifications(environment) == []
    await environment.run_pass(schedule, execution, run_id=run_id)
    row = await environment.execution()
    assert (row.status, row.reason_code) == (ExecutionState.FAILED, ReasonCode.OWN_ERROR)
    (told,) = await _notifications(environment)
    assert all(address in told.body for address in BOTH)


async def test_a_claim_that_the_database_refuses_gives_the_run_back(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    schedule = await environment.create()
    execution, run_id = await environment.request(schedule), new_id()

    async def broken(*_arguments: object, **_named: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(begin, "claim", broken)
        result = await environment.run_pass(schedule, execution, run_id=run_id)
    assert isinstance(result, Outcome)
    assert result.retry_at
    row = await environment.execution()
    assert (row.status, row.error_count) == (ExecutionState.PENDING, 1)
    await environment.run_pass(schedule, execution, run_id=run_id)
    assert environment.mail.taken() == BOTH


async def test_a_run_that_prefect_takes_back_at_the_second_try_only_is_retried(
    environment: Environment, flow_runs: FlowRuns
) -> None:
    schedule = await environment.create()
    environment.mail.replies["bob@example.com"] = "451 later"
    run_id = await flow_runs.create(schedule, await environment.request(schedule))
    refuse = failing("POST", f"/flow_runs/{run_id}/set_state", b"AwaitingRetry")
    refused: list[httpx.Response] = []

    async def once(request: httpx.Request) -> httpx.Response | None:
        answer = None if refused else await refuse(request)
        if answer:
            refused.append(answer)
        return answer

    with intercepted(once):
        run = await flow_runs.work(run_id)
    assert len(refused) == 1
    assert run.state_type is StateType.SCHEDULED
    assert (await environment.execution()).status is ExecutionState.RETRYING


async def _notifications(environment: Environment) -> list[Notification]:
    async with environment.database.session() as session:
        return list(await session.scalars(select(Notification)))
