"""An environment to run executions in: a real ledger, Prefect for the blocks, an SMTP server, a small warehouse."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import PrefectClient
from prefect.flows import Flow
from prefect.settings import PREFECT_API_URL, temporary_settings

from mailroom.access.service import ensure_default_user
from mailroom.connections import service as connections
from mailroom.connections.spec import NewConnection
from mailroom.context import Context
from mailroom.reports import repository as report_repository
from mailroom.reports.spec import ReportDefinition
from mailroom.settings import Settings
from mailroom.storage.database import Database
from prefect_mailroom import outbound
from tests.support.environment import Environment
from tests.support.flow_runs import FlowRuns, load_flow
from tests.support.prefect import ensure_work_pool
from tests.support.samples import MAIL, REPORT, make_warehouse, schedule_body
from tests.support.smtp import SmtpServer, smtp_settings


@pytest.fixture
async def mail_server() -> AsyncIterator[SmtpServer]:
    """Start the mail server that every pass of a test delivers to."""
    async with SmtpServer().serving() as server:
        yield server


@pytest.fixture
async def environment(
    tmp_path: Path, database: Database, prefect_server: str, mail_server: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> Environment:
    """Make an environment whose schedules send mail to ada and bob."""
    monkeypatch.setenv(outbound.VARIABLE, "127.0.0.1")
    settings = Settings(data_dir=tmp_path / "data", prefect_api_url=prefect_server)
    settings.artifacts_dir.mkdir(parents=True)
    warehouse = make_warehouse(tmp_path / "warehouse.db")
    async with PrefectClient(prefect_server) as client:
        await ensure_work_pool(client)
    kinds = [
        ("smtp", "email", smtp_settings(mail_server.port)),
        ("shared", "folder", {"root": str(tmp_path / "shared")}),
        ("warehouse", "sql", {"url": warehouse}),
    ]
    (tmp_path / "shared").mkdir()
    now = datetime.now(UTC)
    async with database.session() as session:
        owner = await ensure_default_user(session, now, settings)
        for name, kind, values in kinds:
            wanted = NewConnection(name=name, kind=kind, settings=values)
            await connections.create(session, wanted, Context(user=owner, now=now, settings=settings))
        await report_repository.save(session, ReportDefinition.model_validate(REPORT), now=now)
    return Environment(database, settings, owner, mail_server, schedule_body(destinations=[MAIL]))


@pytest.fixture(scope="session")
def flow() -> Flow[..., Any]:
    """Load the flow once."""
    return load_flow()


@pytest.fixture
async def flow_runs(
    environment: Environment, flow: Flow[..., Any], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[FlowRuns]:
    """Run the flow in this process, with the settings of the environment."""
    monkeypatch.setenv("MAILROOM_DATABASE_URL", str(environment.database.engine.url))
    monkeypatch.setenv("MAILROOM_DATA_DIR", str(environment.settings.data_dir))
    monkeypatch.setenv("MAILROOM_PREFECT_API_URL", environment.settings.prefect_api)
    with temporary_settings({PREFECT_API_URL: environment.settings.prefect_api}):
        async with PrefectClient(environment.settings.prefect_api) as client:
            yield FlowRuns(client, flow)
