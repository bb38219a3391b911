"""`/readyz` and `mailroom doctor` tell the same of each part, whichever of them is broken."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from prefect.client.orchestration import PrefectClient
from sqlalchemy import update

from api.app import create_app
from cli.doctor import parts, services
from deployments import own_flows
from deployments.sync.desired_own import UPKEEP
from mailroom.heartbeats import repository as heartbeats
from mailroom.heartbeats.spec import WRITER, Beat
from mailroom.settings import Settings
from mailroom.states import ExecutionKind, ExecutionState
from mailroom.storage.tables import Connection, Execution
from mailroom.watching.checks.spec import CheckName
from tests.support import samples
from tests.support.listening import listening
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from tests.integration.api.conftest import Api

pytestmark = pytest.mark.loops

BODY = samples.schedule_body(
    timing={"frequency": "daily", "at": "09:00", "timezone": "Europe/Berlin"},
    parameters={"region": "EMEA"},
    destinations=[{**samples.FOLDER, "path": "{report_slug}/{date}.{ext}"}],
)
LABELS = {parts._LABELS.get(name, name): name for name in CheckName}
LEVELS = {"ok": {"ok"}, "warning": {"warning"}, "problem": {"problem"}, "unknown": {"warning"}}


class Story:
    """Return what both tell: `parts` of `/readyz` by name, and the levels of the doctor."""

    def __init__(self, status: int, body: dict[str, Any], levels: dict[str, str]) -> None:
        self.status, self.body, self.levels = status, body, levels
        self.parts = {one["name"]: one for one in body["parts"]}

    @property
    def agrees(self) -> bool:
        """Return whether both say the same of every part."""
        same = {name: self.levels[name] in LEVELS[one["state"]] for name, one in self.parts.items()}
        return same == dict.fromkeys(map(str, CheckName), True)

    @property
    def states(self) -> dict[str, str]:
        return {name: one["state"] for name, one in self.parts.items()}


async def both(api: Api, **changes: Any) -> Story:
    """Ask both, with these changes of the settings; they say the same."""
    story = await _ask(api, **changes)
    assert story.agrees, (story.states, story.levels)
    return story


async def _until_both(api: Api, client: PrefectClient | None = None, /, **wanted: str) -> None:
    """Wait until both tell these states.

    A Prefect on a busy machine may need longer than the second that `/readyz` gives it, where the doctor gives it five;
    then one of them does not know what the other does.

    Args:
        client: gives a sign of life of a worker before each look, which is too old after half a minute.
    """
    last: list[object] = []

    async def told() -> bool:
        if client is not None:
            await client.send_worker_heartbeat("mailroom", "here", heartbeat_interval_seconds=10)
        story = await _ask(api)
        last[:] = [story.states, story.levels]
        return story.agrees and story.states | wanted == story.states

    await eventually(told, 120, lambda: f"Wanted: {wanted}. Last told: {last}")


async def _ask(api: Api, **changes: Any) -> Story:
    url = api.database.engine.url.render_as_string(hide_password=False)
    settings: Settings = api.settings.model_copy(update={"database_url": url, **changes})
    settings.data_dir.mkdir(exist_ok=True)
    app = create_app(settings, api.database)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://mailroom.test") as http:
        answer = await http.get("/readyz")
    findings = await services.everything(settings)
    levels = {str(LABELS[one.check]): str(one.level) for one in findings if one.check in LABELS}
    return Story(answer.status_code, answer.json(), levels)


async def _has_written(api: Api) -> bool:
    """Tell whether the process has written its first signs of life."""
    async with api.database.session() as session:
        return bool(await heartbeats.every(session))


async def test_each_broken_part_is_told_by_both(offline: Api) -> None:
    await eventually(lambda: _has_written(offline), 30, lambda: "No sign of life was written.")
    story = await both(offline)
    assert (story.status, story.body["status"]) == (200, "ok"), "the process itself is well"
    assert story.states == {
        "database": "ok",
        "prefect": "problem",
        **dict.fromkeys(("clock", "scheduler", "worker"), "unknown"),
        **dict.fromkeys(("queue", "disk", "mail", "sending", "background", "host_clocks", "artifacts"), "ok"),
    }
    assert story.body["checks"]["queue"] == story.body["checks"]["loops"] == "ok"

    assert (await both(offline, disk_low_mb=2**40)).states["disk"] == "warning"
    assert (await both(offline, min_free_mb=2**40)).states["disk"] == "problem"

    now = datetime.now(UTC)
    hangs = now - timedelta(seconds=400)
    async with offline.database.session() as session:
        signs = [Beat(WRITER, "api other:1", hangs, now, 40), Beat("watchdog", "api other:1", hangs, hangs, 315)]
        await heartbeats.write(session, signs)
        await session.execute(update(Connection).where(Connection.name == "corp-smtp").values(last_check_ok=False))
    await offline.json("POST", "/stop", 200, json={"scope": "all", "reason": "A wrong report."})
    story = await both(offline)
    assert {name: story.states[name] for name in ("background", "mail", "sending")} == {
        "background": "problem",
        "mail": "warning",
        "sending": "warning",
    }
    assert datetime.fromisoformat(story.parts["background"]["since"]) == hangs
    assert "watchdog" in story.body["checks"]["background"]
    assert "other" not in str(story.body), "everybody may read it, so it names no machine"


async def test_a_queue_that_is_behind_is_told_by_both(offline: Api) -> None:
    schedule = await offline.json("POST", "/schedules/", 201, json=BODY)
    late = datetime.now(UTC) - timedelta(seconds=301)
    waits = {"kind": ExecutionKind.RUN_NOW, "status": ExecutionState.RETRYING, "next_pass_at": late}
    async with offline.database.session() as session:
        session.add(Execution(schedule_id=schedule["id"], due_at=late, created_at=late, **waits))
    story = await both(offline)
    assert (story.status, story.states["queue"]) == (200, "problem")
    assert datetime.fromisoformat(story.parts["queue"]["since"]) == late


async def test_tables_that_cannot_be_read_are_told_by_both(offline: Api) -> None:
    async with offline.database.engine.begin() as connection:
        await connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
        await connection.exec_driver_sql("ALTER TABLE heartbeats RENAME TO away")
    story = await both(offline)
    assert (story.status, story.states["database"]) == (503, "problem")
    assert {story.states[name] for name in ("queue", "mail", "sending", "background")} == {"unknown"}


async def test_a_prefect_that_hangs_delays_nobody_for_longer_than_a_moment(offline: Api) -> None:
    async with listening(host="127.0.0.1") as far:
        hanging = offline.settings.model_copy(update={"prefect_api_url": f"http://127.0.0.1:{far.port}/api"})
        app = create_app(hanging, offline.database)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://mailroom.test") as http:
            begun = time.monotonic()
            answer = await http.get("/readyz")
            took = time.monotonic() - begun
    assert far.connections
    assert (answer.status_code, answer.json()["parts"][1]["state"]) == (200, "problem")
    assert took < 20, "it never answers"


async def test_prefect_and_its_workers_are_told_by_both(online: Api) -> None:
    await _until_both(online, prefect="ok", clock="ok", worker="problem")
    async with PrefectClient(online.settings.prefect_api) as client, _upkeep_made(client, online.settings):
        await _until_both(online, client, prefect="ok", scheduler="ok", worker="ok")


@asynccontextmanager
async def _upkeep_made(client: PrefectClient, settings: Settings) -> AsyncIterator[None]:
    made, _ = await own_flows.ensure(client, settings, UPKEEP)
    yield
    # Not left to its schedule: nothing here works on the pool.
    await client.delete_deployment(made)
