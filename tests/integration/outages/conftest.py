"""One house for all of these tests, since its processes take seconds to start; a ledger for each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

import pytest
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import WorkPoolUpdate
from sqlalchemy import delete

from mailroom.access.service import ensure_default_user
from mailroom.storage.database import Database
from mailroom.storage.tables import Connection, Report, Table, User
from prefect_mailroom import outbound
from tests.integration.outages.house import House
from tests.integration.outages.scene import Scene

_KEPT = {model.__tablename__ for model in (Connection, Report, User)}


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with pytest.MonkeyPatch.context() as patch:  # Not longer than needed: it would open loopback to every other test.
        patch.setenv(outbound.VARIABLE, "127.0.0.1")
        house = House(tmp_path_factory.mktemp("house"))
    try:
        asyncio.run(house.open())
        yield house
    finally:
        house.close()


@pytest.fixture
async def scene(house: House, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Scene]:
    monkeypatch.setenv(outbound.VARIABLE, "127.0.0.1")
    await house.mend()
    database = Database(house.settings.database)
    async with database.session() as session:
        owner = await ensure_default_user(session, datetime.now(UTC), house.settings)
    async with PrefectClient(house.settings.prefect_api) as client:
        yield Scene(house, database, owner, client)
    house.mail.clear()
    await house.mend()
    async with PrefectClient(house.settings.prefect_api) as client:
        await client.update_work_pool(house.settings.work_pool, WorkPoolUpdate(is_paused=False))
        for deployment in await client.read_deployments():
            await client.delete_deployment(deployment.id)
    async with database.session() as session:
        for table in reversed(Table.metadata.sorted_tables):
            if table.name not in _KEPT:
                await session.execute(delete(table))
    await database.close()
