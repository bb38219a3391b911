"""Business calendars over REST: kept like every resource, and what moves when one is edited."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event

from tests.integration.api.conftest import Api

OFFICE = {"id": "office", "title": "Munich office", "country": "DE", "subdivision": "BY"}


@contextmanager
def statements(api: Api) -> Iterator[list[str]]:
    """The SQL statements that the requests of this task send; what runs behind them is not counted."""
    seen: list[str] = []
    task = asyncio.current_task()

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if asyncio.current_task() is task:
            seen.append(statement)

    engine = api.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine, "before_cursor_execute", note)


def without_id(body: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {key: value for key, value in {**body, **changes}.items() if key != "id"}


async def schedule_on(api: Api, body: dict[str, Any], name: str = "Daily orders") -> dict[str, Any]:
    timing = {"frequency": "daily", "at": "23:59", "timezone": "UTC", "calendar": "office", "on_holiday": "skip"}
    made: dict[str, Any] = await api.json("POST", "/schedules/", 201, json={**body, "name": name, "timing": timing})
    return made


async def test_a_calendar_is_made_read_changed_and_deleted(offline: Api) -> None:
    made = await offline.http.post("/api/v1/calendars", json=OFFICE)
    assert (made.status_code, made.headers["Location"]) == (201, "/api/v1/calendars/office")
    read = await offline.http.get("/api/v1/calendars/office")
    assert (read.json(), read.headers["ETag"]) == (made.json(), made.headers["ETag"])
    assert "Epiphany" in {day["name"] for day in read.json()["days_off"]}
    assert [item["id"] for item in (await offline.json("GET", "/calendars", 200))["items"]] == ["office"]

    changed = without_id(OFFICE, subdivision=None, weekend=["fri", "sat"])
    stale = {"If-Match": '"stale"'}
    await offline.json("PUT", "/calendars/office", 412, json=changed, headers=stale)
    current = {"If-Match": read.headers["ETag"]}
    after = await offline.json("PUT", "/calendars/office", 200, json=changed, headers=current)
    assert (after["weekend"], after["etag"] != read.headers["ETag"]) == (["fri", "sat"], True)
    assert "Epiphany" not in {day["name"] for day in after["days_off"]}

    await offline.json("DELETE", "/calendars/office", 412, headers=current)
    await offline.json("DELETE", "/calendars/office", 204, headers={"If-Match": after["etag"]})
    await offline.json("GET", "/calendars/office", 404)
    audited = await offline.json("GET", "/audit?entity_type=calendar&entity_id=office", 200)
    assert [entry["action"] for entry in audited["items"]] == ["deleted", "changed", "created"]
    assert audited["items"][1]["detail"]["changes"]["subdivision"] == ["BY", None]


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"country": "XX"}, "country", "calendars/countries"),
        ({"country": "de"}, "country", "pattern"),
        ({"subdivision": "TX"}, "", "not a known subdivision: DE has these: BB, BE"),
        ({"country": None}, "", "needs a country"),
        ({"weekend": ["sunday"]}, "weekend.0", "mon"),
        ({"weekend": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]}, "weekend", "at most 6"),
        ({"holidays": [{"date": "2026-12-24"}], "working_days": ["2026-12-24"]}, "", "take it out of one"),
        ({"holidays": [{"date": "2026-02-30"}]}, "holidays.0.date", "date"),
        ({"holiday": []}, "holiday", "does not exist"),
        ({"title": ""}, "title", "at least 1"),
        ({"id": "Office No 1"}, "id", "pattern"),
    ],
)
async def test_what_a_calendar_refuses(offline: Api, changes: dict[str, Any], field: str, words: str) -> None:
    problem = await offline.json("POST", "/calendars", 422, json={**OFFICE, **changes})
    assert [error["field"] for error in problem["errors"]] == [field]
    assert words in "{message} {remedy}".format(**problem["errors"][0])


async def test_an_id_is_taken_once(offline: Api) -> None:
    await offline.json("POST", "/calendars", 201, json=OFFICE)
    problem = await offline.json("POST", "/calendars", 409, json=OFFICE)
    assert "office" in problem["detail"]


async def test_the_countries_are_listed(offline: Api) -> None:
    items = (await offline.json("GET", "/calendars/countries", 200))["items"]
    assert "BY" in next(item["subdivisions"] for item in items if item["country"] == "DE")


async def test_the_preview_names_the_holiday(offline: Api) -> None:
    await offline.json("POST", "/calendars", 201, json=OFFICE)
    year = datetime.now(UTC).year + 1
    timing = {
        "frequency": "yearly",
        "month": 12,
        "day": 25,
        "at": "09:00",
        "calendar": "office",
        "on_holiday": "previous",
        "starts_on": f"{year}-01-01",
    }
    seen = await offline.json("POST", "/schedules/preview", 200, json={"timing": timing, "count": 1})
    (due,) = seen["next_runs"]
    assert due["moved_from"]["reason"] == "holiday"
    assert due["moved_from"]["why"].endswith("is Christmas Day")
    assert date.fromisoformat(due["local"][:10]) < date(year, 12, 25)


async def test_editing_a_calendar_moves_every_schedule_on_it(offline: Api, schedule_body: dict[str, Any]) -> None:
    await offline.json("POST", "/calendars", 201, json={**OFFICE, "country": None, "subdivision": None, "weekend": []})
    made = await schedule_on(offline, schedule_body)
    other = await offline.json("POST", "/schedules/", 201, json={**schedule_body, "name": "Not on it"})
    first = date.fromisoformat(made["next_runs"][0]["at"][:10])

    closed = [{"date": f"{first + timedelta(days=n)}", "name": "Move of the office"} for n in range(3)]
    edited = without_id(OFFICE, country=None, subdivision=None, weekend=[], holidays=closed)
    await offline.json("PUT", "/calendars/office", 200, json=edited)

    moved = await offline.json("GET", f"/schedules/{made['id']}", 200)
    assert moved["next_runs"][0]["at"][:10] == f"{first + timedelta(days=3)}"
    assert moved["sync"]["generation"] == made["sync"]["generation"] + 1
    assert moved["sync"]["state"] == "pending"
    assert (await offline.json("GET", f"/schedules/{other['id']}", 200))["etag"] == other["etag"]
    audited = await offline.json("GET", f"/audit?entity_type=schedule&entity_id={made['id']}", 200)
    assert audited["items"][0]["action"] == "calendar_changed"

    await offline.json("PUT", "/calendars/office", 200, json={**edited, "title": "Another title"})
    assert (await offline.json("GET", f"/schedules/{made['id']}", 200))["etag"] == moved["etag"]


async def test_an_edit_sends_as_many_statements_for_many_schedules_as_for_few(
    offline: Api, schedule_body: dict[str, Any]
) -> None:
    await offline.json("POST", "/calendars", 201, json=OFFICE)
    counts = []
    for number in range(12):
        await schedule_on(offline, schedule_body, f"Number {number}")
        if number in (1, 11):
            with statements(offline) as seen:
                changed = without_id(OFFICE, weekend=["sun"] if number == 1 else ["sat"])
                await offline.json("PUT", "/calendars/office", 200, json=changed)
            counts.append(len(seen))
    assert counts[1] == counts[0] > 3


async def test_a_calendar_in_use_cannot_be_deleted(offline: Api, schedule_body: dict[str, Any]) -> None:
    await offline.json("POST", "/calendars", 201, json=OFFICE)
    made = [await schedule_on(offline, schedule_body, f"Orders {number}") for number in range(6)]
    problem = await offline.json("DELETE", "/calendars/office", 409)
    assert "'Orders 0', 'Orders 1', 'Orders 2', 'Orders 3', 'Orders 4' and 1 more" in problem["detail"]
    for schedule in made:
        await offline.json("DELETE", f"/schedules/{schedule['id']}", 204)
    await offline.json("DELETE", "/calendars/office", 204)
