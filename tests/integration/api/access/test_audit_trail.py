"""The audit trail over REST: refusals and downloads are in it, with who and from where, and it can be searched."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mailroom.audit.sealing.sealer import Sealer
from mailroom.roles import Role
from tests.integration.api.access.belongings import MINE, OTHER, SHARED, World, world
from tests.integration.api.access.people import People
from tests.integration.api.conftest import SCHEDULE


async def _events(people: People, **wanted: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await people.api.json("GET", "/audit", 200, params={"limit": "200", **wanted}))[
        "items"
    ]
    return found


async def _refused(people: People, made: World) -> list[tuple[str, str, int]]:
    found = await _events(people, action="refused", actor=made.me.email)
    return [(one["entity_id"], one["detail"]["permission"], one["detail"]["status"]) for one in reversed(found)]


async def test_refusals_are_audited_with_who_and_from_where(people_of_either: People) -> None:
    people = people_of_either
    made = await world(people, Role.CREATOR)
    theirs, shared = made.ids["schedule", OTHER], made.ids["schedule", SHARED]
    await made.me.json("GET", f"/schedules/{theirs}", 404)
    await made.me.json("POST", f"/schedules/{shared}/pause", 403)
    await made.me.json("POST", "/teams", 403, json={"name": "New"})
    await made.me.json("GET", "/schedules/no-such-thing", 404)
    bulk = {"action": "delete", "ids": [theirs]}
    await made.me.json("POST", "/schedules/bulk", 200, json=bulk)
    await made.me.json("GET", f"/schedules/{made.ids['schedule', MINE]}", 200)
    assert await _refused(people, made) == [
        (theirs, "schedule.read", 404),
        (shared, "schedule.pause", 403),
        ("", "team.create", 403),
        ("no-such-thing", "schedule.read", 404),
        (theirs, "schedule.delete", 404),
    ]
    (one, *_) = await _events(people, action="refused", entity_id=theirs)
    assert one["address"] == "127.0.0.1"
    assert one["login"] == f"key {made.me.key[:12]}" or made.me.key.startswith(one["login"].removeprefix("key "))
    mine = await made.me.json("GET", "/audit", 200)
    assert not [event for event in mine["items"] if event["action"] == "refused"], "admins alone see who tried what"


async def test_who_is_disabled_and_who_acts_for_nobody_is_audited_too(people: People) -> None:
    made = await world(people, Role.CREATOR)
    await made.me.json("GET", "/schedules/", 403, headers={"X-Act-For": made.mate.id})
    await people.api.json("DELETE", f"/users/{made.me.id}", 200)
    await made.me.json("GET", "/schedules/", 403)
    assert await _refused(people, made) == [("", "schedule.list", 403), ("", "schedule.list", 403)]


async def test_a_refusal_is_answered_where_it_cannot_be_audited(
    people: People, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    made = await world(people, Role.VIEWER)

    async def broken(_body: object) -> None:
        raise OSError("the database is away")

    monkeypatch.setattr(people.api.database, "transact", broken)
    await made.me.json("POST", "/schedules/", 403, json=SCHEDULE)
    assert any("could not be audited" in record.getMessage() for record in caplog.records)


async def test_downloads_are_audited(people: People) -> None:
    made = await world(people, Role.VIEWER)
    artifact = made.ids["artifact", SHARED]
    assert (await made.me.http.get(f"/api/v1/artifacts/{artifact}/download")).status_code == 200
    (event,) = await _events(people, action="downloaded", entity_id=artifact)
    assert (event["actor"], event["detail"]["filename"]) == (made.me.email, "orders.csv")


async def test_changes_name_the_address_and_the_key_to_admins_alone(people: People) -> None:
    await people.api.json("PUT", "/connections/shared/grants", 200, json={"roles": ["creator"]})
    ada = await people.person("ada", Role.CREATOR)
    made = await ada.json("POST", "/schedules/", 201, json=SCHEDULE)
    (event,) = await _events(people, entity_id=made["id"])
    assert event["address"] == "127.0.0.1"
    assert ada.key.startswith(event["login"].removeprefix("key "))
    assert ada.key not in json.dumps(event)
    (own,) = (await ada.json("GET", f"/audit?entity_id={made['id']}", 200))["items"]
    assert (own["id"], own["address"], own["login"]) == (event["id"], None, None)
    await people.api.json("POST", "/stop", 200, json={"scope": "all", "reason": "A test."})
    (event,) = await _events(people, entity_type="stop")
    assert (event["address"], event["login"]) == ("127.0.0.1", "key of the installation")


async def test_the_trail_is_searched_and_exported(people_of_either: People) -> None:
    people = people_of_either
    made = await world(people, Role.CREATOR)
    await made.me.json("GET", f"/schedules/{made.ids['schedule', OTHER]}", 404)
    await Sealer(people.api.database, people.api.settings).tick(datetime.now(UTC))
    everything = await _events(people)
    answer = await people.api.http.get("/api/v1/audit/export")
    assert answer.headers["content-type"].startswith("application/jsonl")
    lines = [json.loads(line) for line in answer.content.splitlines()]
    assert [line["id"] for line in lines if line["id"] in {one["id"] for one in everything}] == [
        one["id"] for one in reversed(everything)
    ]
    assert all(line["position"] and len(line["hash"]) == 64 for line in lines)
    kinds = {one["entity_type"] for one in await _events(people, entity_type="user")}
    assert kinds == {"user"}
    assert {one["action"] for one in await _events(people, actor=made.me.email)} == {"refused"}
    future = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    assert await _events(people, since=future) == []
    assert len(await _events(people, until=future)) == len(everything)
    only = await people.api.http.get("/api/v1/audit/export", params={"action": "refused"})
    assert len(only.content.splitlines()) == 1
    await made.me.json("GET", "/audit/export", 403)
    await people.api.json("GET", "/audit?since=2026-11-23T00:00:00", 422)
