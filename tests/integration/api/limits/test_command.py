"""`mailroom limits`, against the real API on a port."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest
import uvicorn

from api.actions.limits.views import LimitsView
from api.rest.limits.examples import LIMITS
from cli.commands.members.limits import limits
from embedded.ports import free_port
from tests.integration.api.limits.conftest import creator
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from tests.integration.api.access.people import People


def test_the_example_of_the_documentation_is_an_answer() -> None:
    assert LimitsView.model_validate(LIMITS).limits[0].name == "schedules"


async def test_the_command_shows_what_the_api_says(
    people: People, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ada, api = await creator(people), people.api
    port = free_port("127.0.0.1")
    server = uvicorn.Server(uvicorn.Config(api.app, port=port, lifespan="off", log_level="warning"))
    serving = asyncio.create_task(server.serve())
    try:
        await eventually(lambda: server.started)
        monkeypatch.setenv("MAILROOM_API_PORT", str(port))
        monkeypatch.setenv("MAILROOM_API_KEY", api.settings.api_key.get_secret_value())
        await asyncio.to_thread(limits, user="ext:ada", as_json=True)
        assert json.loads(capsys.readouterr().out)["user"] == ada.id
        monkeypatch.setenv("MAILROOM_API_KEY", ada.key)
        await asyncio.to_thread(limits)
        shown = capsys.readouterr().out
        assert ada.id in shown
        assert "team@example.com" in shown
    finally:
        server.should_exit = True
        await serving
