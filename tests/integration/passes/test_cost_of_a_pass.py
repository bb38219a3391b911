"""The price of a pass: how many transactions and statements it takes, so that a peak does not wait for the database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterId
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.schedules import CronSchedule
from prefect.client.schemas.sorting import FlowRunSort

from mailroom.access.viewer import SYSTEM
from mailroom.executions.reasons import ReasonCode
from mailroom.passes.outcome import Outcome
from mailroom.passes.steps import begin
from mailroom.rendering.service import render_report, render_request
from mailroom.reports import repository as report_repository
from mailroom.reports.spec import Format, ReportDefinition
from mailroom.states import ExecutionKind, ExecutionState
from mailroom.storage.database import Database, new_id, of_process
from tests.support.statements import recorded

if TYPE_CHECKING:
    from mailroom.storage.tables import Schedule
    from tests.support.environment import Environment
    from tests.support.flow_runs import FlowRuns

on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
ADA: dict[str, Any] = {"channel": "email", "connection": "smtp", "to": ["ada@example.com"]}


@pytest.fixture(params=["sqlite", "postgres"])
async def database(request: pytest.FixtureRequest, migrated_url: Callable[[str], str]) -> AsyncIterator[Database]:
    """Make a migrated database, once on SQLite and once on Postgres."""
    database = Database(migrated_url(request.param))
    yield database
    await database.close()


async def test_a_pass_whose_rendering_exists_takes_five_transactions(
    environment: Environment, flow_runs: FlowRuns
) -> None:
    schedule = await environment.create(destinations=[ADA])
    run = await _scheduled_run(flow_runs, schedule)
    assert run.expected_start_time
    await _render(environment, run.expected_start_time, {})
    with recorded(of_process(str(environment.database.engine.url))) as recorder:
        await flow_runs.work(run.id)
    row = await environment.execution()
    assert (row.kind, row.status, row.due_at) == (
        ExecutionKind.SCHEDULED,
        ExecutionState.SUCCESS,
        run.expected_start_time,
    )
    assert row.lease_until is None, "the conclusion gives it back"
    assert environment.mail.taken() == ["ada@example.com"]
    assert len(recorder.transactions) <= 5, str(recorder)
    # The last one keeps on the schedule what its run ended with, which lists filter and sort by.
    # On a busy machine the last look takes longer than 0.1 s, and is then taken again.
    again = sum(one == other and "FROM stops" in one for all_ in recorder.transactions for one, other in pairwise(all_))
    assert recorder.statements - again <= 23, str(recorder)


@on_sqlite
async def test_a_retry_takes_as_few(environment: Environment) -> None:
    schedule = await environment.create(destinations=[ADA])
    execution, run_id = await environment.request(schedule), new_id()
    environment.mail.replies["ada@example.com"] = "451 later"
    await environment.run_pass(schedule, execution, run_id=run_id)
    environment.mail.replies.clear()
    await environment.due_now()
    with recorded(environment.database) as recorder:
        await environment.run_pass(schedule, execution, run_id=run_id)
    assert environment.mail.taken() == ["ada@example.com"]
    assert len(recorder.transactions) <= 5, str(recorder)


@on_sqlite
async def test_each_receipt_is_committed_by_itself(environment: Environment) -> None:
    several = [f"reader-{number}@example.com" for number in range(5)]
    schedule = await environment.create(destinations=[{**ADA, "to": several}])
    with recorded(environment.database) as recorder:
        await environment.run_pass(schedule, await environment.request(schedule))
    receipts = [
        sum("UPDATE deliveries SET" in statement and "receipt=" in statement for statement in statements)
        for statements in recorder.transactions
    ]
    assert sorted(receipts)[-6:] == [0, 1, 1, 1, 1, 1], str(recorder)


@on_sqlite
async def test_a_report_without_rows_is_not_sent_though_it_has_been_rendered(environment: Environment) -> None:
    schedule = await environment.create(
        destinations=[ADA], parameters={"least": 5000}, condition={"send_if": "not_empty"}
    )
    execution = await environment.request(schedule)
    await _render(environment, execution.due_at, {"least": 5000})
    result = await environment.run_pass(schedule, execution)
    assert isinstance(result, Outcome)
    assert (result.state, result.reason.code) == (ExecutionState.SKIPPED, ReasonCode.NO_ROWS)
    assert environment.mail.taken() == []
    assert await environment.deliveries() == {}


@on_sqlite
async def test_an_error_while_a_pass_is_prepared_is_met_in_its_own_step(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    schedule = await environment.create(destinations=[ADA])
    execution = await environment.request(schedule)
    await _render(environment, execution.due_at, {})

    def broken(*_arguments: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(begin, "keep_plan", broken)
    await environment.run_pass(schedule, execution)
    row = await environment.execution()
    assert (row.status, row.pass_count, row.error_count) == (ExecutionState.SUCCESS, 1, 0)
    assert environment.mail.taken() == ["ada@example.com"]


async def _scheduled_run(flow_runs: FlowRuns, schedule: Schedule) -> FlowRun:
    """Return the next run of the schedule, as Prefect's scheduler makes it."""
    client = flow_runs.client
    cron = DeploymentScheduleCreate(schedule=CronSchedule(cron="0 9 * * *", timezone="UTC"), active=True)
    flow_id = await client.create_flow(flow_runs.flow)
    deployment = await client.create_deployment(
        flow_id, schedule.id, schedules=[cron], parameters={"schedule_id": schedule.id}
    )
    await client.request("POST", "/deployments/{id}/schedule", path_params={"id": deployment}, json={"min_runs": 1})
    found = await client.read_flow_runs(
        deployment_filter=DeploymentFilter(id=DeploymentFilterId(any_=[deployment])),
        sort=FlowRunSort.EXPECTED_START_TIME_ASC,
    )
    return found[0]


async def _render(environment: Environment, due_at: datetime, parameters: dict[str, Any]) -> None:
    """Render the schedule's report for a due time, as another execution would have."""
    async with environment.database.session() as session:
        report = await report_repository.get(session, "orders", viewer=SYSTEM)
    definition = ReportDefinition.model_validate(report.definition)
    wanted = render_request(definition, parameters, (Format.CSV,), due_at, "UTC")
    await render_report(environment.database, environment.settings, wanted, now=datetime.now(UTC), group="")
