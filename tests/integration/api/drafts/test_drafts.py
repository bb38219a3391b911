"""Drafts over REST: kept also with faults, checked part by part, and made a schedule once."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.integration.api.conftest import SCHEDULE, Api

PARTS = {
    "report": ("report_id",),
    "timing": ("timing", "policy"),
    "parameters": ("parameters", "condition"),
    "destinations": ("formats", "destinations"),
    "name": ("name",),
}


def whole() -> dict[str, Any]:
    return {name: SCHEDULE[name] for names in PARTS.values() for name in names if name in SCHEDULE}


async def begin(api: Api, **wanted: Any) -> dict[str, Any]:
    made: dict[str, Any] = await api.json("POST", "/drafts", 201, json=wanted)
    return made


async def test_a_draft_is_filled_in_part_by_part_and_becomes_one_schedule(either: Api) -> None:
    draft = await begin(either, body={"report_id": SCHEDULE["report_id"]})
    path = f"/drafts/{draft['id']}"
    assert draft["missing"] == ["timing", "destinations", "name"]
    await either.json("POST", f"{path}/activate", 422, json={})
    for part, names in PARTS.items():
        value = {name: SCHEDULE[name] for name in names if name in SCHEDULE}
        draft = await either.json("PUT", f"{path}/{part}", 200, json=value)
    assert (draft["missing"], draft["faults"]) == ([], [])
    twice = [either.json("POST", f"{path}/activate", 200, json={}) for _ in range(2)]
    first, second = await asyncio.gather(*twice)
    assert first["id"] == second["id"]
    assert [row["id"] for row in (await either.json("GET", "/schedules/", 200))["items"]] == [first["id"]]
    assert (await either.json("GET", path, 200))["activated_as"] == first["id"]
    await either.json("PUT", f"{path}/name", 409, json={"name": "Too late"})
    assert (await either.json("GET", "/drafts", 200))["items"] == []


async def test_faults_are_kept_and_named_by_part(offline: Api) -> None:
    body = whole()
    body["timing"] = {"frequency": "weekly", "days": [], "at": "9 o'clock"}
    body["parameters"] = {"region": "nowhere"}
    body["destinations"] = [{"channel": "folder", "connection": "missing", "path": "x.{ext}"}]
    draft = await begin(offline, body=body)
    assert draft["parts"]["timing"]["value"]["timing"]["at"] == "9 o'clock"
    found = {(fault["part"], fault["field"]) for fault in draft["faults"]}
    assert {("timing", "timing.days"), ("timing", "timing.at"), ("parameters", "parameters.region")} <= found
    assert ("destinations", "destinations.0.connection") in found
    never = {"timing": {"frequency": "once", "at": "2020-01-01T09:00", "timezone": "UTC"}}
    draft = await offline.json("PUT", f"/drafts/{draft['id']}/timing", 200, json=never)
    assert {fault["field"].partition(".")[0] for fault in draft["faults"] if fault["part"] == "timing"} == {"timing"}
    await offline.json("PUT", f"/drafts/{draft['id']}/timing", 422, json={"name": "not of this part"})
    await offline.json("POST", "/drafts", 422, json={"body": {"colour": "red"}})


async def test_only_a_change_of_the_same_part_is_in_the_way(offline: Api) -> None:
    draft = await begin(offline, body=whole())
    path, seen = f"/drafts/{draft['id']}", {"If-Match": draft["etag"]}
    await offline.json("PUT", f"{path}/name", 200, json={"name": "Mine"}, headers=seen)
    await offline.json("PUT", f"{path}/name", 412, json={"name": "Theirs"}, headers=seen)
    await offline.json("PUT", f"{path}/name", 200, json={"name": "Mine"}, headers=seen)
    other = {"parameters": {"region": "APAC"}}
    after = await offline.json("PUT", f"{path}/parameters", 200, json=other, headers=seen)
    assert after["parts"]["name"]["value"] == {"name": "Mine"}
    await offline.json("PUT", f"{path}/name", 422, json={"name": "Mine"}, headers={"If-Match": '"x"'})


async def test_an_edit_is_bound_to_the_version_it_began_from(offline: Api) -> None:
    made = await offline.json("POST", "/schedules/", 201, json=SCHEDULE)
    draft = await begin(offline, edits=made["id"], body={"name": "Renamed"})
    assert (draft["schedule_id"], draft["schedule_etag"]) == (made["id"], made["etag"])
    late = await begin(offline, edits=made["id"], body={"name": "Renamed later"})
    changed = await offline.json("POST", f"/drafts/{draft['id']}/activate", 200, json={})
    assert (changed["id"], changed["name"]) == (made["id"], "Renamed")
    await offline.json("POST", f"/drafts/{late['id']}/activate", 412, json={})
    assert (await offline.json("GET", f"/schedules/{made['id']}", 200))["name"] == "Renamed"


async def test_a_copy_begins_paused(offline: Api) -> None:
    made = await offline.json("POST", "/schedules/", 201, json=SCHEDULE)
    draft = await begin(offline, copies=made["id"])
    assert (draft["starts_paused"], draft["schedule_id"], draft["faults"]) == (True, None, [])
    copy = await offline.json("POST", f"/drafts/{draft['id']}/activate", 200, json={"paused": True})
    assert (copy["id"] != made["id"], copy["state"], copy["next_runs"]) == (True, "paused", [])
    await offline.json("POST", "/drafts", 422, json={"copies": made["id"], "edits": made["id"]})


async def test_templates_are_used_kept_shared_and_removed(offline: Api) -> None:
    listed = (await offline.json("GET", "/schedule-templates", 200))["items"]
    assert [one["id"] for one in listed] == ["monday-morning", "month-end-to-folder", "every-working-day"]
    draft = await begin(offline, template="monday-morning", body={"report_id": SCHEDULE["report_id"]})
    assert draft["parts"]["timing"]["value"]["timing"]["days"] == ["mon"]
    mine = {"title": "Mine", "body": {"timing": SCHEDULE["timing"]}}
    made = await offline.json("POST", "/schedule-templates", 201, json=mine)
    path = f"/schedule-templates/{made['id']}"
    assert (await begin(offline, template=made["id"]))["missing"] == ["report", "destinations", "name"]
    changed = await offline.json("PUT", path, 200, json={**mine, "title": "Ours"}, headers={"If-Match": made["etag"]})
    assert (changed["title"], changed["etag"] == made["etag"]) == ("Ours", False)
    await offline.json("PUT", path, 412, json=mine, headers={"If-Match": made["etag"]})
    await offline.json("PUT", path, 422, json={"title": "Ours", "body": {"name": "No"}})
    shared = await offline.json("PUT", f"{path}/shares", 200, json={"roles": ["creator"]})
    assert shared == await offline.json("GET", f"{path}/shares", 200)
    for method, under in (("PUT", ""), ("DELETE", ""), ("PUT", "/shares")):
        body = {"json": mine if not under else {}} if method == "PUT" else {}
        await offline.json(method, f"/schedule-templates/monday-morning{under}", 409, **body)
    await offline.json("DELETE", path, 412, headers={"If-Match": made["etag"]})
    await offline.json("DELETE", path, 204, headers={"If-Match": changed["etag"]})
    await offline.json("POST", "/drafts", 404, json={"template": made["id"]})
