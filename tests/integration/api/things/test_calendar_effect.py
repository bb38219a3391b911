"""Say what a change of a calendar would move is told before it is saved, and nothing is stored by asking."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.integration.api.conftest import Api

OFFICE: dict[str, Any] = {"id": "office", "title": "Office", "weekend": []}


async def test_the_effect_names_the_schedules_that_move(either: Api, schedule_body: dict[str, Any]) -> None:
    made = await either.json("POST", "/calendars", 201, json=OFFICE)
    await either.json("POST", "/calendars", 201, json={**OFFICE, "id": "other"})
    timing = {"frequency": "daily", "at": "09:00", "timezone": "UTC", "calendar": "office"}
    for name, on_holiday in (("Moves", "skip"), ("Stays", "run")):
        body = {**schedule_body, "name": name, "timing": {**timing, "on_holiday": on_holiday}}
        await either.json("POST", "/schedules/", 201, json=body)
    off = datetime.now(UTC).date() + timedelta(days=20)
    wanted = {"title": "Office", "weekend": [], "holidays": [{"date": off.isoformat(), "name": "Off"}]}

    effect = await either.json("POST", "/calendars/office/effect", 200, json=wanted, headers={"If-Match": made["etag"]})

    assert (effect["used_by"], effect["count"], effect["hidden"], effect["not_looked_at"]) == (2, 1, 0, 0)
    (moved,) = effect["moved"]
    due = datetime.combine(off, datetime.min.time(), UTC) + timedelta(hours=9)
    assert (moved["name"], datetime.fromisoformat(moved["was"]), moved["becomes"]) == ("Moves", due, None)
    assert (await either.json("GET", "/calendars/office", 200))["holidays"] == []
    stale = {"If-Match": '"other"'}
    await either.json("POST", "/calendars/office/effect", 412, json=wanted, headers=stale)

    counted = await either.json("GET", "/calendars?uses=true", 200)
    assert {one["id"]: one["used_by"] for one in counted["items"]} == {"office": 2, "other": 0}
    refused = await either.json("DELETE", "/calendars/office", 409)
    assert len(refused["errors"]) == 2
