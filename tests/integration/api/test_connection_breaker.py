"""The breaker of a connection over REST and on the command line: it is shown, and whoever may change it enables it."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
import uvicorn

from cli.commands import breakers
from mailroom.connections.breaker import service as breaker
from mailroom.connections.breaker.decide import Sign
from tests.integration.api.conftest import KEY
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from tests.integration.api.conftest import Api

NAME = "corp-smtp"


async def _disable(api: Api) -> None:
    now = datetime.now(UTC)

    async def gone(session):  # type: ignore[no-untyped-def]
        await breaker.record(session, NAME, Sign.FAILS, probing=False, why="Down.", now=now)
        await breaker.record(session, NAME, Sign.GONE, probing=False, why="HTTP 410.", now=now)

    await api.database.transact(gone)


async def test_a_disabled_connection_is_shown_enabled_and_audited(offline: Api) -> None:
    await _disable(offline)
    listed = {one["name"]: one["breaker"] for one in (await offline.json("GET", "/connections", 200))["items"]}
    assert listed["warehouse"] is None, "a source delivers nothing"
    assert listed["shared"]["state"] == "closed"
    shown = listed[NAME]
    assert (shown["state"], shown["failed"], shown["attempts"]) == ("disabled", 1, 1)
    assert "410" in shown["reason"]
    (stop,) = (await offline.json("GET", "/stops", 200))["items"]
    assert (stop["scope"], stop["target"], stop["cause"]) == ("connection", NAME, "disabled")
    await offline.json("POST", "/resume", 404, json={"scope": "connection", "target": NAME, "dry_run": False})

    enabled = await offline.json("POST", f"/connections/{NAME}/enable", 200)
    assert (enabled["breaker"]["state"], enabled["breaker"]["attempts"]) == ("closed", 0)
    assert (await offline.json("GET", "/stops", 200))["items"] == []
    assert (await offline.json("POST", f"/connections/{NAME}/enable", 200))["breaker"]["state"] == "closed"
    trail = (await offline.json("GET", f"/audit?entity_type=connection&entity_id={NAME}", 200))["items"]
    assert sorted(one["action"] for one in trail) == ["disabled", "enabled"], "enabling twice is one change"
    await offline.json("POST", "/connections/nobody/enable", 404)


async def test_the_command_shows_and_enables(
    offline: Api, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    await _disable(offline)
    server = uvicorn.Server(uvicorn.Config(offline.app, port=0, lifespan="off", log_config=None))
    serving = asyncio.create_task(server._serve())  # Without the signals, which are pytest's.
    await eventually(lambda: server.started)
    (port,) = {socket.getsockname()[1] for one in server.servers for socket in one.sockets}
    for name, value in (("API_PORT", port), ("API_KEY", KEY), ("DATA_DIR", offline.settings.data_dir)):
        monkeypatch.setenv(f"MAILROOM_{name}", str(value))
    await asyncio.to_thread(breakers.breakers, as_json=True)
    assert {one["name"]: one["state"] for one in json.loads(capsys.readouterr().out)}[NAME] == "disabled"
    await asyncio.to_thread(breakers.enable, NAME, as_json=True)
    assert json.loads(capsys.readouterr().out)["breaker"]["state"] == "closed"
    await asyncio.to_thread(breakers.breakers)
    assert NAME in capsys.readouterr().out
    server.should_exit = True
    await serving
