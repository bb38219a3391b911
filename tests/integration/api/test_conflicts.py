"""Conflicts through REST: they are shown when a schedule is previewed, saved and read, and stop nothing."""

from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from mailroom.access.viewer import SYSTEM
from mailroom.schedules import repository as stored
from mailroom.states import ExecutionKind, ExecutionState
from mailroom.storage.tables import Execution, Schedule, ScheduleKey
from tests.integration.api.conftest import SCHEDULE, Api

MAIL = {"channel": "email", "connection": "corp-smtp", "to": ["ada@example.com"]}


def body(name: str, **more: Any) -> dict[str, Any]:
    """A schedule that mails the report to Ada daily at nine."""
    return copy.deepcopy({**SCHEDULE, "name": name, "destinations": [MAIL], **more})


def codes(answer: dict[str, Any]) -> list[str]:
    return [warning["code"] for warning in answer["warnings"]]


@pytest.fixture
async def first(offline: Api) -> Any:
    """The schedule that the others meet."""
    return await offline.json("POST", "/schedules/", 201, json=body("First"))


async def test_a_duplicate_is_saved_and_warned_of(offline: Api, first: dict[str, Any]) -> None:
    assert first["warnings"] == []
    second = await offline.json("POST", "/schedules/", 201, json=body("Second"))
    (warning,) = second["warnings"]
    assert warning["code"] == "duplicate"
    assert warning["data"]["schedule"] == {"id": first["id"], "name": "First"}
    read = await offline.json("GET", f"/schedules/{first['id']}", 200)
    assert read["warnings"][0]["data"]["schedule"]["name"] == "Second"
    path = f"/schedules/{second['id']}"
    changed = await offline.json("PATCH", path, 200, json={"parameters": {"region": "APAC"}})
    assert changed["warnings"] == []
    assert codes(await offline.json("PUT", path, 200, json=body("Second"))) == ["duplicate"]
    listed = await offline.json("GET", "/schedules/", 200)
    assert [item["warnings"] for item in listed["items"]] == [[], []]


async def test_only_what_is_active_counts(offline: Api, first: dict[str, Any]) -> None:
    await offline.json("POST", f"/schedules/{first['id']}/pause", 200)
    second = await offline.json("POST", "/schedules/", 201, json=body("Second"))
    assert second["warnings"] == []
    assert (await offline.json("GET", f"/schedules/{first['id']}", 200))["warnings"] == []
    assert codes(await offline.json("POST", f"/schedules/{first['id']}/resume", 200)) == ["duplicate"]
    await offline.json("DELETE", f"/schedules/{second['id']}", 204)
    assert (await offline.json("GET", f"/schedules/{first['id']}", 200))["warnings"] == []


async def test_the_reports_defaults_count_as_given(offline: Api) -> None:
    await offline.json("POST", "/schedules/", 201, json=body("First", parameters={"region": "all"}))
    second = await offline.json("POST", "/schedules/", 201, json=body("Second", parameters={}))
    assert codes(second) == ["duplicate"]


async def test_the_preview_knows_as_much_as_it_is_told(offline: Api, first: dict[str, Any]) -> None:
    timing = {"timing": first["timing"]}
    assert codes(await offline.json("POST", "/schedules/preview", 200, json=timing)) == []
    whole = {**body("Second"), "count": 3}
    seen = await offline.json("POST", "/schedules/preview", 200, json=whole)
    assert codes(seen) == ["duplicate"]
    assert len(seen["next_runs"]) == 3
    own = {**whole, "schedule_id": first["id"]}
    assert codes(await offline.json("POST", "/schedules/preview", 200, json=own)) == []
    wrong = {**timing, "destinations": [{**MAIL, "to": ["nobody"]}]}
    answer = await offline.json("POST", "/schedules/preview", 422, json=wrong)
    assert answer["errors"][0]["field"].startswith("destinations.0.to")
    async with offline.database.session() as session:
        assert len((await session.scalars(select(Schedule))).all()) == 1


async def test_another_owners_schedule_is_not_named(offline: Api, first: dict[str, Any]) -> None:
    assert first["owner"]
    await offline.json("PUT", "/connections/corp-smtp/grants", 200, json={"roles": ["creator"]})
    user = {"email": "eve@example.com", "name": "Eve", "external_id": "eve"}
    await offline.json("POST", "/users", 201, json=user)
    answer = await offline.http.post("/api/v1/schedules/", json=body("Second"), headers={"X-Act-For": "ext:eve"})
    (warning,) = answer.json()["warnings"]
    assert warning["message"].startswith("Another schedule sends")
    assert "First" not in answer.text
    assert first["id"] not in answer.text


async def test_one_file_of_two_schedules(offline: Api) -> None:
    await offline.json("POST", "/schedules/", 201, json={**SCHEDULE, "name": "First"})
    second = await offline.json("POST", "/schedules/", 201, json={**SCHEDULE, "name": "Second"})
    assert codes(second) == ["same_file"]
    assert second["warnings"][0]["data"]["path"] == "{report_slug}/{date}.{ext}"


async def test_keys_are_kept_with_the_schedule(offline: Api, first: dict[str, Any]) -> None:
    async def keys() -> set[str]:
        async with offline.database.session() as session:
            return set(await session.scalars(select(ScheduleKey.key)))

    before = await keys()
    assert len(before) == 1
    more = {**MAIL, "to": ["bob@example.com", "eve@example.com"]}
    await offline.json("PUT", f"/schedules/{first['id']}", 200, json=body("First", destinations=[more]))
    after = await keys()
    assert len(after) == 2
    assert before.isdisjoint(after)


async def test_an_end_that_nears_and_long_runs(offline: Api) -> None:
    soon = (datetime.now(UTC) + timedelta(days=3)).date().isoformat()
    hourly = {"frequency": "hourly", "ends_on": soon}
    made = await offline.json("POST", "/schedules/", 201, json=body("Hourly", timing=hourly))
    assert codes(made) == ["ends_soon"]
    now = datetime.now(UTC)
    async with offline.database.session() as session:
        for age in range(1, 5):
            due = now - timedelta(hours=age)
            kind = ExecutionKind.TEST if age == 4 else ExecutionKind.SCHEDULED
            ended = due + timedelta(minutes=65 if kind is ExecutionKind.SCHEDULED else 500)
            session.add(
                Execution(
                    schedule_id=made["id"],
                    kind=kind,
                    due_at=due,
                    status=ExecutionState.SUCCESS,
                    started_at=due,
                    completed_at=ended,
                    created_at=due,
                )
            )
        (await stored.get(session, made["id"], viewer=SYSTEM)).last_run = now
    read = await offline.json("GET", f"/schedules/{made['id']}", 200)
    assert codes(read) == ["ends_soon", "runs_exceed_interval"]
    assert read["warnings"][1]["data"] == {"p95_seconds": 3900, "interval_seconds": 3600, "runs": 3}
    other = {
        **body("Another"),
        "timing": {"frequency": "hourly"},
        "destinations": [{**MAIL, "to": ["bob@example.com"]}],
    }
    seen = await offline.json("POST", "/schedules/preview", 200, json=other)
    assert codes(seen) == ["runs_exceed_interval"]


async def test_the_load_of_a_day(offline: Api, first: dict[str, Any]) -> None:
    day = (datetime.now(UTC) + timedelta(days=2)).date().isoformat()
    found = await offline.json("GET", f"/schedules/load?date={day}&timezone=Europe/Berlin", 200)
    assert found["runs"][36] == found["total"] == 1
    assert found["busiest"]["local"].startswith(f"{day}T09:00:00+0")
    assert (found["date"], found["timezone"], found["bucket_minutes"], found["crowded_above"]) == (
        day,
        "Europe/Berlin",
        15,
        60,
    )
    await offline.json("POST", f"/schedules/{first['id']}/pause", 200)
    empty = await offline.json("GET", f"/schedules/load?date={day}", 200)
    assert (empty["total"], empty["busiest"], empty["timezone"]) == (0, None, "UTC")
    assert (await offline.json("GET", "/schedules/load", 200))["date"] == datetime.now(UTC).date().isoformat()


@pytest.mark.parametrize(
    ("query", "field"),
    [("date=2013-01-01", "date"), ("date=2999-01-01", "date"), ("date=soon", "date"), ("timezone=../etc", "timezone")],
)
async def test_the_load_refuses_in_words(offline: Api, query: str, field: str) -> None:
    problem = await offline.json("GET", f"/schedules/load?{query}", 422)
    assert problem["errors"][0]["field"] == field
