"""An environment to run executions in: a real ledger, Prefect for the blocks, an SMTP server, a small warehouse."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prefect.client.orchestration import PrefectClient

from mailroom.access.service import ensure_default_user
from mailroom.connections import service as connections
from mailroom.connections.service import NewConnection
from mailroom.context import Context
from mailroom.reports import repository as report_repository
from mailroom.reports.spec import ReportDefinition
from mailroom.settings import Settings
from mailroom.storage.database import Database
from prefect_mailroom import outbound
from tests.support.environment import Environment
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
