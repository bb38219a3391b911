"""Schedules with a past, and the session of a browser."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from mailroom.access.viewer import SYSTEM
from mailroom.executions.history import last_result
from mailroom.executions.lifecycle import new_execution
from mailroom.schedules import repository as stored
from mailroom.states import ExecutionKind, ExecutionState
from tests.integration.api.access.people import People
from tests.support.pages import read

if TYPE_CHECKING:
    from tests.integration.api.conftest import Api


async def make(api: Api, body: dict[str, Any], name: str, **changes: Any) -> str:
    """Store a schedule of this name; return its id."""
    found = await api.json("POST", "/schedules/", 201, json={**body, "name": name, **changes})
    return str(found["id"])


async def ran(
    api: Api, schedule_id: str, *states: ExecutionState, kind: ExecutionKind = ExecutionKind.SCHEDULED
) -> None:
    """Give a schedule runs that ended so, the last of them an hour ago."""
    now = datetime.now(UTC).replace(microsecond=0)
    async with api.database.session() as session:
        schedule = await stored.get(session, schedule_id, viewer=SYSTEM)
        for number, state in enumerate(reversed(states), start=1):
            row = new_execution(schedule_id, kind, now - timedelta(hours=number), now=now)
            row.status = state
            session.add(row)
            await session.flush()
            last_result.remember(schedule, row)


@pytest.fixture
async def people(offline: Api) -> AsyncIterator[People]:
    """People of the API while Prefect is down."""
    found = People(offline)
    yield found
    for client in found.clients:
        await client.aclose()


@pytest.fixture
async def browser(offline: Api) -> AsyncIterator[httpx.AsyncClient]:
    """The browser of an admin who has logged in by a one-time link."""
    body = {"email": "boss@example.com", "name": "Boss", "role": "admin", "timezone": "Europe/Berlin"}
    user = await offline.json("POST", "/users", 201, json=body)
    link = (await offline.json("POST", f"/users/{user['id']}/links", 201, json={"purpose": "login"}))["link"]
    transport = httpx.ASGITransport(offline.app, raise_app_exceptions=False)
    headers = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin"}
    async with httpx.AsyncClient(transport=transport, base_url="https://mailroom.test", headers=headers) as client:
        path = link[link.index("/login") :]
        form = read(await client.get(path)).all("form")[0]
        answer = await client.post("/login/link", data=form.fields())
        assert answer.status_code == 303, answer.text
        yield client
