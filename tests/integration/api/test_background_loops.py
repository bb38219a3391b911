"""The loops behind the API: what `/readyz` tells of them, and that they go on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from api.app import create_app
from deployments.watched_loop import LoopHealth
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from tests.integration.api.conftest import Api

pytestmark = pytest.mark.loops

LOOPS = {
    "deletions",
    "reconciler",
    "drift repair",
    "rescue",
    "watchdog",
    "cleaner",
    "retention",
    "stops",
    "ledger witness",
    "key reminders",
}
LOOPS |= {"audit sealer", "audit retention", "ages of secrets", "deletions", "incident watch", "counts", "heartbeats"}
LOOPS |= {
    "alerts",
    "alerts by mail",
    "alerts by request",
    "mail at hand",
    "notices to readers",
    "product events",
    "reach",
}


class Process:
    """Another process over the same database, and what stands in its `/readyz`."""

    def __init__(self, http: httpx.AsyncClient, watchdog: LoopHealth) -> None:
        self.http, self.watchdog = http, watchdog

    async def ready(self) -> tuple[int, dict[str, Any]]:
        answer = await self.http.get("/readyz")
        return answer.status_code, answer.json()

    async def loop(self, name: str) -> dict[str, Any]:
        _, body = await self.ready()
        return next(loop for loop in body["loops"] if loop["name"] == name)

    async def until(self, wanted: str) -> None:
        """Wait until the watchdog shows a value for this field."""

        async def shown() -> bool | None:
            return bool((await self.loop("watchdog"))[wanted]) or None

        await eventually(shown, 30, lambda: f"The watchdog: {self.watchdog}")


async def _rename(api: Api, before: str, after: str) -> None:
    async with api.database.engine.begin() as connection:
        await connection.exec_driver_sql(f"ALTER TABLE {before} RENAME TO {after}")


@pytest.fixture
async def troubled(offline: Api) -> AsyncIterator[Process]:
    """A process that starts while a table is away."""
    await _rename(offline, "export_schedules", "away")
    app = create_app(offline.settings, offline.database)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://mailroom.test") as http,
    ):
        loops = {loop.health.name: loop.health for loop in app.state.services.loops}
        assert set(loops) == LOOPS
        yield Process(http, loops["watchdog"])


async def test_ready_tells_of_every_loop(offline: Api) -> None:
    answer = await offline.http.get("/readyz")
    assert answer.status_code == 200
    assert {loop["name"] for loop in answer.json()["loops"]} == LOOPS
    assert answer.json()["checks"]["loops"] == "ok"


async def test_a_loop_that_fails_is_told_and_makes_the_process_unready_until_it_succeeds(
    offline: Api, troubled: Process
) -> None:
    await troubled.until("last_error_id")
    status, body = await troubled.ready()
    assert (status, body["checks"]["loops"]) == (200, "ok")  # It has not failed for long.
    assert (await troubled.loop("watchdog"))["last_success"] is None

    troubled.watchdog.late_after = 0.0
    status, body = await troubled.ready()
    assert status == 503
    assert "watchdog" in body["checks"]["loops"]
    assert [loop["name"] for loop in body["loops"] if loop["late"]] == ["watchdog"]

    await _rename(offline, "away", "export_schedules")
    troubled.watchdog.late_after = 60.0
    await troubled.until("last_success")
    status, body = await troubled.ready()
    assert (status, body["status"], body["checks"]["loops"]) == (200, "ok", "ok")
    assert (await troubled.loop("watchdog"))["restarts"] >= 1


async def test_ready_tells_of_a_disk_on_which_nothing_is_rendered_any_more(offline: Api) -> None:
    offline.settings.data_dir.mkdir(exist_ok=True)
    assert (await offline.http.get("/readyz")).json()["checks"]["disk"] == "ok"
    full = offline.settings.model_copy(update={"min_free_mb": 2**40})
    app = create_app(full, offline.database)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://mailroom.test") as http:
        answer = await http.get("/readyz")
    assert answer.status_code == 200
    assert "MB are free" in answer.json()["checks"]["disk"]
