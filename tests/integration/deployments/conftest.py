"""A ledger, its reconciler and a real Prefect."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.responses import DeploymentResponse
from prefect.exceptions import ObjectAlreadyExists

from deployments.reconcile import Reconciler
from deployments.sync.desired import FLOW_NAME
from mailroom.access.service import ensure_default_user
from mailroom.context import Context
from mailroom.reports import repository as report_repository
from mailroom.reports.spec import ReportDefinition
from mailroom.schedules import repository as stored
from mailroom.schedules import service as schedules
from mailroom.schedules.spec import read_spec
from mailroom.settings import Settings
from mailroom.storage.database import Database
from mailroom.storage.tables import Connection, Schedule, User

BODY: dict[str, Any] = {
    "name": "Weekly orders",
    "report_id": "orders",
    "timing": {"frequency": "weekly", "days": ["mon"], "at": "09:00", "timezone": "Europe/Berlin"},
    "formats": ["csv"],
    "destinations": [{"channel": "folder", "connection": "shared"}],
}
REPORT = {
    "id": "orders",
    "title": "Orders",
    "source": {"kind": "sql", "connection": "warehouse", "queries": {"orders": "SELECT 1 AS one"}},
    "formats": ["csv"],
}


class Office:
    """A ledger, its reconciler and a Prefect to look at."""

    def __init__(self, database: Database, settings: Settings, owner: User) -> None:
        self.database, self.settings, self.owner = database, settings, owner
        self.reconciler = Reconciler(database, settings)

    def at(self, prefect_api: str) -> Reconciler:
        """A reconciler of another process, with its Prefect elsewhere."""
        return Reconciler(self.database, self.settings.model_copy(update={"prefect_api_url": prefect_api}))

    def context(self) -> Context:
        return Context(user=self.owner, now=datetime.now(UTC), settings=self.settings)

    async def create(self, **changes: Any) -> Schedule:
        async with self.database.session() as session:
            return await schedules.create(session, read_spec({**BODY, **changes}), self.context())

    async def row(self, schedule: Schedule) -> Schedule:
        async with self.database.session() as session:
            found = await stored.find(session, schedule.id)
            assert found is not None
            return found

    async def deployment(self, schedule: Schedule) -> DeploymentResponse:
        async with PrefectClient(self.settings.prefect_api) as client:
            return await client.read_deployment_by_name(f"{FLOW_NAME}/{schedule.id}")


@pytest.fixture
async def office(tmp_path: Path, database: Database, prefect_server: str) -> AsyncIterator[Office]:
    settings = Settings(data_dir=tmp_path, prefect_api_url=prefect_server, sync_wait_seconds=20)
    async with PrefectClient(prefect_server) as client:
        with contextlib.suppress(ObjectAlreadyExists):  # An earlier test of this server made it.
            await client.create_work_pool(WorkPoolCreate(name="mailroom", type="process"))
    now = datetime.now(UTC)
    async with database.session() as session:
        owner = await ensure_default_user(session, now, settings)
        row = Connection(name="shared", kind="folder", block_type_slug="x", created_at=now, updated_at=now)
        session.add(row)
        await report_repository.save(session, ReportDefinition.model_validate(REPORT), now=now)
    found = Office(database, settings, owner)
    yield found
    await found.reconciler.close()
