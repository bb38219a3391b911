"""An environment whose schedules become deployments of a real Prefect."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prefect.client.orchestration import PrefectClient

from mailroom.access.service import ensure_default_user
from mailroom.reports import repository as report_repository
from mailroom.reports.spec import ReportDefinition
from mailroom.settings import Settings
from mailroom.storage.database import Database
from mailroom.storage.tables import Connection
from tests.support.environment import Environment
from tests.support.prefect import ensure_work_pool
from tests.support.samples import REPORT, schedule_body

WEEKLY = {"frequency": "weekly", "days": ["mon"], "at": "09:00", "timezone": "Europe/Berlin"}
BODY = schedule_body(name="Weekly orders", timing=WEEKLY)


@pytest.fixture
async def environment(tmp_path: Path, database: Database, prefect_server: str) -> AsyncIterator[Environment]:
    """Make an environment with a report and a folder to deliver to."""
    settings = Settings(data_dir=tmp_path, prefect_api_url=prefect_server, sync_wait_seconds=20)
    async with PrefectClient(prefect_server) as client:
        await ensure_work_pool(client)
    now = datetime.now(UTC)
    async with database.session() as session:
        owner = await ensure_default_user(session, now, settings)
        row = Connection(name="shared", kind="folder", block_type_slug="x", created_at=now, updated_at=now)
        session.add(row)
        await report_repository.save(session, ReportDefinition.model_validate(REPORT), now=now)
    environment = Environment(database, settings, owner, body=BODY)
    yield environment
    await environment.close()
