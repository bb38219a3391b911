"""While Prefect is down the API answers, stores what it can, and leaves nothing half-done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mailroom.access.viewer import SYSTEM
from mailroom.executions.policy import Policy
from mailroom.schedules import repository as stored

if TYPE_CHECKING:
    from tests.integration.api.conftest import Api


async def test_a_schedule_is_stored_and_pending(offline: Api, schedule_body: dict[str, Any]) -> None:
    made = await offline.json("POST", "/schedules/", 201, json=schedule_body)
    assert made["sync"]["state"] == "pending"
    assert (made["sync"]["generation"], made["sync"]["observed_generation"]) == (1, 0)
    assert "prefect" not in made["links"]
    assert len(made["next_runs"]) == 5
    run = await offline.json("POST", f"/schedules/{made['id']}/run", 202)
    assert run["status"] == "pending"
    paused = await offline.json("POST", f"/schedules/{made['id']}/pause", 200)
    assert (paused["state"], paused["sync"]["state"], paused["etag"]) == ("paused", "pending", '"2"')
    await offline.json("DELETE", f"/schedules/{made['id']}", 204)


async def test_a_connection_is_not_half_stored(offline: Api) -> None:
    body = {"name": "new", "kind": "folder", "settings": {"root": "/srv"}}
    answer = await offline.http.post("/api/v1/connections", json=body)
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) >= 1
    assert "Prefect does not answer" in answer.json()["detail"]
    await offline.json("PUT", "/connections/shared", 503, json={"kind": "folder", "settings": {"root": "/srv"}})
    await offline.json("DELETE", "/connections/shared", 503)
    await offline.json("GET", "/connections/shared", 503)
    rows = (await offline.json("GET", "/connections", 200))["items"]
    assert [row["name"] for row in rows] == ["corp-smtp", "shared", "warehouse"]
    assert (await offline.json("GET", "/audit", 200))["items"] == []


async def test_the_users_zone_is_the_default(offline: Api, schedule_body: dict[str, Any]) -> None:
    first = await offline.json("GET", "/schedules/", 200)
    assert first["items"] == []
    async with offline.database.engine.begin() as connection:
        await connection.exec_driver_sql("UPDATE users SET timezone = 'Asia/Tokyo'")
    schedule_body["timing"] = {"frequency": "daily", "at": "09:00"}
    made = await offline.json("POST", "/schedules/", 201, json=schedule_body)
    assert made["timing"]["timezone"] == "Asia/Tokyo"
    path = f"/schedules/{made['id']}"
    berlin = await offline.json("PATCH", path, 200, json={"timing": {"timezone": "Europe/Berlin"}})
    assert berlin["timing"]["timezone"] == "Europe/Berlin"
    back = await offline.json("PATCH", path, 200, json={"timing": {"timezone": None}})
    assert back["timing"]["timezone"] == "Asia/Tokyo"


async def test_a_disabled_user_is_refused_at_the_next_request(offline: Api) -> None:
    await offline.json("GET", "/schedules/", 200)
    async with offline.database.engine.begin() as connection:
        await connection.exec_driver_sql("UPDATE users SET is_active = 0")
    await offline.json("GET", "/schedules/", 403)


async def test_a_patch_takes_defaults_back(offline: Api, schedule_body: dict[str, Any]) -> None:
    made = await offline.json("POST", "/schedules/", 201, json={**schedule_body, "policy": {"max_attempts": 3}})
    merge = {"Content-Type": "application/merge-patch+json"}
    path = f"/schedules/{made['id']}"
    answer = await offline.http.patch(f"/api/v1{path}", content=b'{"policy": null}', headers=merge)
    assert answer.json()["policy"]["max_attempts"] == Policy().max_attempts
    assert answer.headers["ETag"] == '"2"'
    stale = {"If-Match": made["etag"]}
    await offline.json("PATCH", path, 412, json={"name": "x"}, headers=stale)
    await offline.json("POST", f"{path}/pause", 412, headers=stale)
    await offline.json("DELETE", path, 412, headers=stale)
    async with offline.database.session() as session:
        assert (await stored.get(session, made["id"], viewer=SYSTEM)).generation == 2
