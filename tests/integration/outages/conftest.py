"""The processes are shared by all of these tests, since they take seconds to start; each test has its own data."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import WorkPoolUpdate
from sqlalchemy import delete

from mailroom.access.service import ensure_default_user
from mailroom.storage.database import Database
from mailroom.storage.model.audit import AuditChain, AuditSeal
from mailroom.storage.stop_tables import LedgerClock
from mailroom.storage.tables import AuditEvent, Connection, Report, Table, User
from prefect_mailroom import outbound
from prefect_mailroom.channels.command import allowed
from tests.integration.outages.environment import OutageEnvironment
from tests.integration.outages.processes import Processes
from tests.support import groups

# The audit trail lets nobody remove its rows.
_KEPT = {model.__tablename__ for model in (AuditChain, AuditEvent, AuditSeal, Connection, LedgerClock, Report, User)}


@pytest.fixture
def processes(tmp_path_factory: pytest.TempPathFactory) -> Processes:
    """Start the processes that every test of this folder uses."""
    return groups.shared("processes", lambda: _opened(tmp_path_factory.mktemp("processes")))


@contextmanager
def _opened(folder: Path) -> Iterator[Processes]:
    with pytest.MonkeyPatch.context() as patch:  # Not longer than needed: it would open loopback to every other test.
        patch.setenv(outbound.VARIABLE, "127.0.0.1")
        patch.setenv(allowed.VARIABLE, sys.executable)
        processes = Processes(folder)
    try:
        asyncio.run(processes.open())
        yield processes
    finally:
        processes.close()


@pytest.fixture
async def environment(processes: Processes, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[OutageEnvironment]:
    """Make an environment whose schedules and runs are removed afterwards, from Mailroom and from Prefect."""
    monkeypatch.setenv(outbound.VARIABLE, "127.0.0.1")
    await processes.mend()
    database = Database(processes.settings.database)
    async with database.session() as session:
        owner = await ensure_default_user(session, datetime.now(UTC), processes.settings)
    async with PrefectClient(processes.settings.prefect_api) as client:
        yield OutageEnvironment(processes, database, owner, client)
    processes.mail.clear()
    await processes.mend()
    async with PrefectClient(processes.settings.prefect_api) as client:
        await client.update_work_pool(processes.settings.work_pool, WorkPoolUpdate(is_paused=False))
        for deployment in await client.read_deployments():
            await client.delete_deployment(deployment.id)
    async with database.session() as session:
        for table in reversed(Table.metadata.sorted_tables):
            if table.name not in _KEPT:
                await session.execute(delete(table))
    await database.close()
