"""The price of a pass: how many transactions and statements it takes, so that a peak does not wait for the database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterId
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.schedules import CronSchedule
from prefect.client.schemas.sorting import FlowRunSort

from mailroom.access.viewer import SYSTEM
from mailroom.rendering.service import render_report, render_request
from mailroom.reports import repository as report_repository
from mailroom.reports.spec import Format, ReportDefinition
from mailroom.states import ExecutionKind, ExecutionState
from mailroom.storage.database import Database, of_process
from mailroom.storage.migrations import upgrade
from tests.support.statements import recorded

if TYPE_CHECKING:
    from mailroom.storage.tables import Schedule
    from tests.support.environment import Environment
    from tests.support.flow_runs import FlowRuns

ADA = {"channel": "email", "connection": "smtp", "to": ["ada@example.com"]}


@pytest.fixture(params=["sqlite", "postgres"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """Make a migrated database, once on SQLite and once on Postgres."""
    sqlite = f"sqlite+aiosqlite:///{tmp_path / 'mailroom.db'}"
    database = Database(sqlite if request.param == "sqlite" else request.getfixturevalue("fresh_postgres"))
    await upgrade(database)
    yield database
    await database.close()


async def test_a_pass_whose_rendering_exists_takes_five_transactions(
    environment: Environment, flow_runs: FlowRuns
) -> None:
    schedule = await environment.create(destinations=[ADA])
    run = await _scheduled_run(flow_runs, schedule)
    assert run.expected_start_time
    await _render(environment, run.expected_start_time)
    with recorded(of_process(str(environment.database.engine.url))) as recorder:
        await flow_runs.work(run.id)
    row = await environment.execution()
    assert (row.kind, row.status, row.due_at) == (
        ExecutionKind.SCHEDULED,
        ExecutionState.SUCCESS,
        run.expected_start_time,
    )
    assert environment.mail.taken() == ["ada@example.com"]
    assert len(recorder.transactions) <= 5, str(recorder)
    assert recorder.statements <= 20, str(recorder)


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


async def _render(environment: Environment, due_at: datetime) -> None:
    """Render the schedule's report for a due time, as another execution would have."""
    async with environment.database.session() as session:
        report = await report_repository.get(session, "orders", viewer=SYSTEM)
    definition = ReportDefinition.model_validate(report.definition)
    wanted = render_request(definition, {}, (Format.CSV,), due_at, "UTC")
    await render_report(environment.database, environment.settings, wanted, now=datetime.now(UTC), group="")
