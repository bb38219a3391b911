"""The real application over a real database, with Prefect up (`online`) or down (`offline`)."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from prefect.client.orchestration import PrefectClient

from api.app import create_app
from deployments.watched_loop import WatchedLoop
from mailroom.reports import repository as report_repository
from mailroom.reports.spec import ReportDefinition
from mailroom.settings import Settings
from mailroom.storage.database import Database
from mailroom.storage.tables import Connection
from tests.support import samples
from tests.support.prefect import NOBODY_LISTENS, ensure_work_pool

KEY = "test-key-of-more-than-thirty-two-characters"
SCHEDULE = samples.schedule_body(
    timing={"frequency": "daily", "at": "09:00", "timezone": "Europe/Berlin"},
    parameters={"region": "EMEA"},
    destinations=[{**samples.FOLDER, "path": "{report_slug}/{date}.{ext}"}],
)


@dataclass
class Api:
    """A client with the key, and what stands behind it."""

    http: httpx.AsyncClient
    app: FastAPI
    settings: Settings
    database: Database

    async def json(self, method: str, path: str, status: int, **arguments: Any) -> Any:
        """Ask, expect the status, return the parsed answer."""
        answer = await self.http.request(method, f"/api/v1{path}", **arguments)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None


IN_STEP = {"reconciler", "stops", "drift repair", "rescue", "deletions"}
"""The loops that work where a test has a real Prefect: they keep it in step."""


@pytest.fixture(autouse=True)
def _loops_rest(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no loop work behind the API, except where a test is marked `loops` or needs it for a real Prefect.

    Each of the two dozen looks at everything as soon as it starts, which took longer than most tests.
    """
    if request.node.get_closest_marker("loops") is not None:
        return
    working = IN_STEP if "prefect_server" in request.fixturenames else set()
    run = WatchedLoop.run

    async def run_or_rest(loop: WatchedLoop) -> None:
        if loop.health.name in working:
            await run(loop)
        else:
            await asyncio.Event().wait()

    monkeypatch.setattr(WatchedLoop, "run", run_or_rest)


async def _serve(settings: Settings, database: Database) -> AsyncIterator[Api]:
    app = create_app(settings, database)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    headers = {"Authorization": f"Bearer {KEY}"}
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://mailroom.test", headers=headers) as http,
    ):
        yield Api(http, app, settings, database)


def _settings(tmp_path: Path, prefect_api: str, wait: float) -> Settings:
    return Settings(
        data_dir=tmp_path / "data",
        api_key=KEY,
        key_pepper=f"pepper {KEY}",
        prefect_api_url=prefect_api,
        sync_wait_seconds=wait,
        # Longer than any test: what changes here, the request itself has done.
        sync_every_seconds=600,
    )


@pytest.fixture
def warehouse(tmp_path: Path) -> str:
    """The URL of the database that the report reads."""
    return samples.make_warehouse(tmp_path / "warehouse.db")


async def _fill(database: Database) -> None:
    """Store a report and three connections, as if they had been made and checked before Prefect went down."""
    now = datetime.now(UTC)
    async with database.session() as session:
        for name, kind in (("shared", "folder"), ("warehouse", "sql"), ("corp-smtp", "email")):
            row = Connection(name=name, kind=kind, block_type_slug=f"mailroom-{kind}", created_at=now, updated_at=now)
            row.last_check_at, row.last_check_ok = now, True
            session.add(row)
        await report_repository.save(session, ReportDefinition.model_validate(samples.REPORT), now=now)


@pytest.fixture
async def offline(tmp_path: Path, database: Database) -> AsyncIterator[Api]:
    """The API while Prefect is down, on SQLite; a report and three connections were made before."""
    await _fill(database)
    async for api in _serve(_settings(tmp_path, NOBODY_LISTENS, 0.3), database):
        yield api


@pytest.fixture
async def on_postgres(tmp_path: Path, migrated_url: Callable[[str], str]) -> AsyncIterator[Api]:
    """As `offline`, on Postgres."""
    async for api in _serve_filled(tmp_path, migrated_url("postgres")):
        yield api


async def _serve_filled(tmp_path: Path, url: str) -> AsyncIterator[Api]:
    database = Database(url)
    await _fill(database)
    async for api in _serve(_settings(tmp_path, NOBODY_LISTENS, 0.3), database):
        yield api
    await database.close()


@pytest.fixture(params=["sqlite", "postgres"])
async def either(
    request: pytest.FixtureRequest, tmp_path: Path, migrated_url: Callable[[str], str]
) -> AsyncIterator[Api]:
    """As `offline`, once on SQLite and once on Postgres."""
    async for api in _serve_filled(tmp_path, migrated_url(request.param)):
        yield api


@pytest.fixture
async def online(tmp_path: Path, database: Database, prefect_server: str, warehouse: str) -> AsyncIterator[Api]:
    """The API with a real Prefect; report and connections are made through the API itself."""
    async with PrefectClient(prefect_server) as client:
        await ensure_work_pool(client)
        for block in await client.read_block_documents():
            # An earlier test of this server left it, and a connection never takes the block of another.
            await client.delete_block_document(block.id)
    (tmp_path / "shared").mkdir()
    connections = [
        {"name": "warehouse", "kind": "sql", "settings": {"url": warehouse}},
        {"name": "shared", "kind": "folder", "settings": {"root": str(tmp_path / "shared")}},
    ]
    async for api in _serve(_settings(tmp_path, prefect_server, 20), database):
        for connection in connections:
            await api.json("POST", "/connections", 201, json=connection)
        await api.json("POST", "/reports", 201, json=samples.REPORT)
        yield api


@pytest.fixture
def schedule_body() -> dict[str, Any]:
    """A schedule that is accepted."""
    return copy.deepcopy(SCHEDULE)


@pytest.fixture
def report_body() -> dict[str, Any]:
    """A report that is accepted."""
    return copy.deepcopy(samples.REPORT)
