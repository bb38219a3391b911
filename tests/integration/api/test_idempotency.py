"""A POST that is repeated after a lost answer is answered again and not done again."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import update

from mailroom.access.service import ensure_default_user
from mailroom.access.viewer import SYSTEM
from mailroom.schedules import repository as stored
from mailroom.storage import idempotency
from mailroom.storage.tables import IdempotencyKey

if TYPE_CHECKING:
    from tests.integration.api.conftest import Api

KEY = {"Idempotency-Key": "order-4711"}


async def names(api: Api) -> list[str]:
    async with api.database.session() as session:
        return [row.name for row in (await stored.list_page(session, viewer=SYSTEM)).items]


async def test_the_same_request_gets_the_same_answer(offline: Api, schedule_body: dict[str, Any]) -> None:
    first = await offline.http.post("/api/v1/schedules/", json=schedule_body, headers=KEY)
    again = await offline.http.post("/api/v1/schedules/", json=schedule_body, headers=KEY)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert again.headers["ETag"] == first.headers["ETag"]
    assert again.headers["Idempotency-Replayed"] == "true"
    assert len(await names(offline)) == 1


async def test_another_request_cannot_use_the_key(offline: Api, schedule_body: dict[str, Any]) -> None:
    await offline.json("POST", "/schedules/", 201, json=schedule_body, headers=KEY)
    other = {**schedule_body, "name": "Another"}
    problem = await offline.json("POST", "/schedules/", 422, json=other, headers=KEY)
    assert problem["type"] == "/problems/idempotency-key-reused"
    assert await names(offline) == ["Daily orders"]


async def test_a_refused_request_gives_its_key_back(offline: Api, schedule_body: dict[str, Any]) -> None:
    await offline.json("POST", "/schedules/", 422, json={**schedule_body, "report_id": "unknown"}, headers=KEY)
    await offline.json("POST", "/schedules/", 201, json=schedule_body, headers=KEY)
    assert len(await names(offline)) == 1


async def test_of_many_at_once_one_is_done(offline: Api, schedule_body: dict[str, Any]) -> None:
    requests = [offline.http.post("/api/v1/schedules/", json=schedule_body, headers=KEY) for _ in range(5)]
    answers = await asyncio.gather(*requests)
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.json()["id"] for answer in answers if answer.status_code == 201}) == 1
    assert await names(offline) == ["Daily orders"]


async def test_a_request_under_way_is_not_done_twice(offline: Api, schedule_body: dict[str, Any]) -> None:
    now = datetime.now(UTC)
    await offline.json("POST", "/schedules/", 201, json=schedule_body, headers=KEY)
    async with offline.database.session() as session:
        user = await ensure_default_user(session, now, offline.settings)
        await session.execute(update(IdempotencyKey).values(status_code=None, response=None))
    problem = await offline.json("POST", "/schedules/", 409, json=schedule_body, headers=KEY)
    assert "still in progress" in problem["detail"]
    async with offline.database.session() as session:
        old = now - idempotency.BROKEN_OFF - timedelta(seconds=1)
        await session.execute(update(IdempotencyKey).values(created_at=old))
    await offline.json("POST", "/schedules/", 201, json=schedule_body, headers=KEY)
    assert user.email == "owner@localhost"


async def test_a_key_is_forgotten_after_a_day(offline: Api, schedule_body: dict[str, Any]) -> None:
    first = await offline.json("POST", "/schedules/", 201, json=schedule_body, headers=KEY)
    async with offline.database.session() as session:
        old = datetime.now(UTC) - idempotency.KEPT - timedelta(seconds=1)
        await session.execute(update(IdempotencyKey).values(created_at=old))
    second = await offline.json("POST", "/schedules/", 201, json=schedule_body, headers=KEY)
    assert first["id"] != second["id"]


async def test_a_run_with_a_key_is_asked_for_once(offline: Api, schedule_body: dict[str, Any]) -> None:
    made = await offline.json("POST", "/schedules/", 201, json=schedule_body)
    path = f"/schedules/{made['id']}/run"
    first = await offline.json("POST", path, 202, headers=KEY)
    assert (await offline.json("POST", path, 202, headers=KEY))["id"] == first["id"]
    assert len((await offline.json("GET", "/schedules/executions", 200))["items"]) == 1
    # The same key and the same empty body, at another path, is another request.
    await offline.json("POST", f"/schedules/{made['id']}/test", 422, headers=KEY)
    await offline.json("POST", path, 422, headers={"Idempotency-Key": "x" * 201})
