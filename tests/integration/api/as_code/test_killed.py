"""`mailroom apply` or the API behind it is killed in the middle: nothing is half-stored, the next apply completes it.

All of it is real: the command and the API as processes, Prefect, and a network that leads to it. Each moment has a
folder, a bundle and names of its own, so that one system serves several.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterName

from bench import serving
from mailroom.as_code.text import written
from mailroom.settings import Settings
from prefect_mailroom import outbound
from tests.support import documents, samples
from tests.support.prefect import ensure_work_pool
from tests.support.remote.proxy import Network, network_to
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(600)
SCHEDULES = 12
HALF_STORED = """
SELECT 'schedule ' || name FROM export_schedules WHERE id NOT IN (SELECT entity_id FROM code_marks)
UNION ALL SELECT 'report ' || id FROM reports WHERE id NOT IN (SELECT entity_id FROM code_marks)
UNION ALL SELECT 'calendar ' || id FROM calendars WHERE id NOT IN (SELECT entity_id FROM code_marks)
UNION ALL SELECT 'team ' || name FROM teams WHERE id NOT IN (SELECT entity_id FROM code_marks)
UNION ALL SELECT 'mark ' || name FROM code_marks WHERE kind = 'schedule'
  AND entity_id NOT IN (SELECT id FROM export_schedules)
"""
"""A document is applied with its mark or not at all; all that these tests have comes from documents."""


@dataclass
class Whole:
    """The API as a process over a database of its own; all that it asks Prefect goes through a network of ours."""

    folder: Path
    network: Network
    prefect: str
    settings: Settings
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    api: serving.Served | None = None

    async def start(self) -> None:
        environment = {outbound.VARIABLE: "127.0.0.1", "MAILROOM_SYNC_EVERY_SECONDS": "1"}
        context = serving.serving(self.settings, environment)
        self.api = await asyncio.to_thread(context.__enter__)
        self.stack.push_async_callback(asyncio.to_thread, context.__exit__, None, None, None)

    def rows(self, statement: str) -> list[str]:
        with closing(sqlite3.connect(self.folder / "mailroom.db", timeout=30)) as connection:
            return [str(row[0]) for row in connection.execute(statement)]

    async def command(self, *arguments: str) -> asyncio.subprocess.Process:
        """Start a command of ours."""
        variables = {
            "PATH": "/usr/bin:/bin",
            "MAILROOM_DATA_DIR": str(self.folder),
            "MAILROOM_API_PORT": str(self.settings.api_port),
            "MAILROOM_API_KEY": self.settings.api_key.get_secret_value(),
            "WAREHOUSE": f"sqlite:///{self.folder}/warehouse.db",
        }
        command = (sys.executable, "-m", "cli.main", *arguments)
        pipe, both = asyncio.subprocess.PIPE, asyncio.subprocess.STDOUT
        return await asyncio.create_subprocess_exec(*command, env=variables, stdout=pipe, stderr=both)

    async def run(self, *arguments: str) -> tuple[int | None, str]:
        process = await self.command(*arguments)
        told, _ = await asyncio.wait_for(process.communicate(), 120)
        return process.returncode, told.decode()


@pytest.fixture
async def whole(tmp_path: Path, prefect_server: str, sqlite_template: Path) -> AsyncIterator[Whole]:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "mailroom.db").write_bytes(sqlite_template.read_bytes())
    samples.make_warehouse(tmp_path / "data" / "warehouse.db")
    async with PrefectClient(prefect_server) as client:
        await ensure_work_pool(client)
    port = urlsplit(prefect_server).port
    assert port is not None
    async with network_to(port) as network:
        settings = serving.settings_in(tmp_path / "data", prefect_api=f"http://127.0.0.1:{network.port}/api")
        found = Whole(tmp_path / "data", network, prefect_server, settings)
        async with found.stack:
            await found.start()
            yield found


def write(whole: Whole, name: str) -> Path:
    """Write a folder with something of each kind that refers to each other, and return it."""
    folder = whole.folder / "code" / name
    folder.mkdir(parents=True)
    timing = {"frequency": "daily", "at": "09:00", "timezone": "Europe/Berlin", "calendar": name}
    to = [{**samples.FOLDER, "connection": f"shared-{name}", "path": "{report_slug}/{date}.{ext}"}]
    report = documents.report(name)
    report["spec"]["source"]["connection"] = f"warehouse-{name}"
    sql = {"kind": "sql", "settings": {"url": {"from_env": "WAREHOUSE"}}}
    every = [
        documents.document("team", name, {"name": f"Team {name}"}),
        documents.calendar(name),
        documents.document("connection", f"warehouse-{name}", sql),
        documents.document("connection", f"shared-{name}", {"kind": "folder", "settings": {"root": str(folder)}}),
        report,
    ]
    for number in range(SCHEDULES):
        key = f"{name}-{number}"
        every.append(documents.schedule(key, name=key, report_id=name, timing=timing, destinations=to))
    (folder / "all.yaml").write_text("---\n".join(written(one) for one in every))
    return folder


async def is_whole(whole: Whole, name: str, folder: Path) -> None:
    """Check that the next apply completes a folder, that nothing differs then, and that nothing is doubled."""
    files = ("-f", str(folder), "--bundle", name)
    status, told = await whole.run("apply", *files)
    assert status == 0, told
    assert await whole.run("diff", *files) == (0, f"{SCHEDULES + 5} unchanged\n")
    assert whole.rows(HALF_STORED) == []
    assert whole.rows("SELECT name FROM connections WHERE NOT is_made") == []
    ours = whole.rows(f"SELECT id FROM export_schedules WHERE name LIKE '{name}-%'")
    assert len(ours) == SCHEDULES
    waiting = "SELECT id FROM export_schedules WHERE generation != observed_generation"
    await eventually(lambda: not whole.rows(waiting), 120)
    async with PrefectClient(whole.prefect) as client:
        named = DeploymentFilter(name=DeploymentFilterName(any_=ours))
        there = await client.read_deployments(deployment_filter=named)
        blocks = [one.name for one in await client.read_block_documents()]
    assert sorted(one.name for one in there) == sorted(ours)
    assert {blocks.count(f"{kind}-{name}") for kind in ("warehouse", "shared")} == {1}


@dataclass
class Moment:
    """The first request to Prefect that makes something of a kind: before it leaves, or when it is answered."""

    whole: Whole
    request: bytes
    answered: bool
    asked: bool = False
    came: bool = False

    def __call__(self, piece: bytes, is_client: bool) -> bool:
        """Kill the API when the moment has come; return whether the piece goes on."""
        assert self.whole.api is not None
        if is_client and self.request in piece:
            self.asked = True
        comes = self.asked and (piece.startswith(b"HTTP/1.1 201") if self.answered else is_client)
        if comes:
            self.came = True
            self.whole.api.process.kill()
        return not comes


def _has(whole: Whole, statement: str, least: int) -> bool:
    return len(whole.rows(statement)) >= least


async def test_the_command_is_killed(whole: Whole) -> None:
    """Kill the command when so many documents are applied; the next one comes while the API still works on them."""
    for marks in (1, 9):
        name = f"killed-at-{marks}"
        folder = write(whole, name)
        process = await whole.command("apply", "-f", str(folder), "--bundle", name)
        applied = f"SELECT name FROM code_marks WHERE bundle = '{name}'"
        await eventually(partial(_has, whole, applied, marks), 120, pause=0.005)
        process.kill()
        await process.communicate()
        assert whole.rows(HALF_STORED) == []
        await is_whole(whole, name, folder)


async def test_the_api_is_killed(whole: Whole) -> None:
    """Kill the API while it makes the block of a connection, and while it makes the deployment of a schedule."""
    moments = (("block_documents", False, 1), ("block_documents", True, 1), ("deployments", True, 0))
    for number, (kind, answered, half_made) in enumerate(moments):
        name = f"api-killed-{number}"
        folder = write(whole, name)
        moment = Moment(whole, f"POST /api/{kind}/ ".encode(), answered)
        whole.network.lets_pass = moment
        status, told = await whole.run("apply", "-f", str(folder), "--bundle", name)
        if kind == "block_documents":
            assert status == 1, told
            assert "does not answer" in told
        # Deployments may be made when the command has ended already.
        await eventually(partial(getattr, moment, "came"), 120)
        assert whole.rows(HALF_STORED) == []
        assert len(whole.rows("SELECT name FROM connections WHERE NOT is_made")) == half_made
        whole.network.lets_pass = lambda piece, is_client: True
        await whole.start()
        await is_whole(whole, name, folder)
