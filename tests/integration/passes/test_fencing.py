"""A pass that slept past its lease: what its successor holds is not its own any more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from mailroom.passes import lease as lease_module
from mailroom.passes.claim import FlowRunFacts
from mailroom.passes.work import Begun, Work
from mailroom.states import DeliveryState, ExecutionState
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from prefect.client.schemas.objects import FlowRun

    from mailroom.storage.tables import Execution, Schedule
    from tests.support.environment import Environment
    from tests.support.flow_runs import FlowRuns

ADA = [{"channel": "email", "connection": "smtp", "to": ["ada@example.com"]}]


@dataclass
class Sleeper:
    """A pass of the real flow that stands still in the middle of its mail until `awake` is set."""

    schedule: Schedule
    execution: Execution
    run_id: str
    work: asyncio.Task[FlowRun]
    awake: asyncio.Event


@pytest.fixture
def renewed_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leases that are renewed twenty times a second, so that a test need not wait."""
    monkeypatch.setattr(lease_module, "RENEWAL_SECONDS", 0.05)


@pytest.fixture
async def sleeper(environment: Environment, flow_runs: FlowRuns) -> AsyncIterator[Sleeper]:
    arrived, awake = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        arrived.set()
        await awake.wait()

    environment.mail.before = hold
    schedule = await environment.create(destinations=ADA)
    execution = await environment.request(schedule)
    run_id = await flow_runs.create(schedule, execution)
    work = asyncio.create_task(flow_runs.work(run_id))
    await asyncio.wait_for(arrived.wait(), 60)
    yield Sleeper(schedule, execution, str(run_id), work, awake)
    awake.set()
    await asyncio.gather(work, return_exceptions=True)


async def _succeed(environment: Environment, sleeper: Sleeper) -> Execution:
    """Another process takes the execution over after the lease; returns the execution as that one left it."""
    later = datetime.now(UTC) + 2 * lease_module.LENGTH
    work = Work(environment.database, environment.settings, FlowRunFacts(sleeper.run_id, later, scheduled=False))
    begun = await work.begin(sleeper.schedule.id, sleeper.execution.id, now=later)
    assert isinstance(begun, Begun)
    return await environment.execution()


async def test_a_pass_that_slept_leaves_its_successors_lease_alone(environment: Environment, sleeper: Sleeper) -> None:
    successor = await _succeed(environment, sleeper)
    sleeper.awake.set()
    await asyncio.wait_for(sleeper.work, 60)
    assert (await environment.execution()).lease_until == successor.lease_until


async def test_a_pass_that_slept_does_not_conclude_for_its_successor(
    environment: Environment, sleeper: Sleeper
) -> None:
    successor = await _succeed(environment, sleeper)
    sleeper.awake.set()
    await asyncio.wait_for(sleeper.work, 60)
    row = await environment.execution()
    assert (row.status, row.pass_count) == (ExecutionState.RUNNING, successor.pass_count)
    assert row.completed_at is None


@pytest.mark.usefixtures("renewed_often")
async def test_a_pass_stops_when_a_renewal_finds_another_holder(environment: Environment, sleeper: Sleeper) -> None:
    await _succeed(environment, sleeper)
    done, _ = await asyncio.wait({sleeper.work}, timeout=60)
    assert done, "it must not wait for its mail any longer"


@pytest.mark.usefixtures("renewed_often", "sleeper")
async def test_the_lease_of_a_pass_at_work_is_renewed(environment: Environment) -> None:
    first = (await environment.execution()).lease_until
    assert first is not None

    async def longer() -> datetime | None:
        until = (await environment.execution()).lease_until
        return until if until and until > first else None

    renewed = await eventually(longer, 60, lambda: f"The lease still ends at {first}.")
    left = renewed - datetime.now(UTC)
    assert lease_module.LENGTH / 2 < left <= lease_module.LENGTH


async def test_a_delivery_with_a_confirmed_attempt_is_never_sent_again(
    environment: Environment, sleeper: Sleeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Attempt 1 is confirmed late, while attempt 2 of the successor is at the far side, which puts that one off."""

    async def greylist(*_arguments: object) -> str:
        sleeper.awake.set()
        await asyncio.wait({sleeper.work}, timeout=60)
        return "451 4.7.1 Greylisted"

    later = datetime.now(UTC) + 2 * lease_module.LENGTH
    with monkeypatch.context() as patch:
        patch.setattr(environment.mail, "handle_RCPT", greylist)
        await environment.run_pass(sleeper.schedule, sleeper.execution, run_id=sleeper.run_id, now=later)
    assert environment.mail.taken() == ["ada@example.com"], "attempt 1 is confirmed"
    await environment.due_now()
    later += timedelta(hours=1)
    await environment.run_pass(sleeper.schedule, sleeper.execution, run_id=sleeper.run_id, now=later)
    assert environment.mail.taken() == ["ada@example.com"]
    assert (await environment.deliveries())["ada@example.com"].status is DeliveryState.DELIVERED
    assert (await environment.execution()).status is ExecutionState.SUCCESS
