"""Changes of one thing at the same moment: each is stored whole, or is told that it came second."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from sqlalchemy import select

from mailroom.states import ScheduleState
from mailroom.storage.tables import Schedule
from tests.support.gates import A_WRITE, busy_once, held_before, opened_by
from tests.support.wire import intercepted

if TYPE_CHECKING:
    from tests.integration.api.conftest import Api

CALENDAR: dict[str, Any] = {"title": "Office", "weekend": ["sat", "sun"], "holidays": [], "working_days": []}
LAST_DAY = {"frequency": "monthly", "day": "last", "at": "09:00", "timezone": "UTC", "calendar": "office"}
HOURLY = {"frequency": "hourly", "timezone": "UTC", "calendar": "office"}
A_HOLIDAY = {**CALENDAR, "holidays": [{"date": "2026-12-24", "name": "Christmas Eve"}]}


async def _one_within_the_other(
    api: Api, outer: Awaitable[httpx.Response], inner: Awaitable[httpx.Response]
) -> list[httpx.Response]:
    """Hold the outer request before its first write until the inner one is answered; both answers."""
    await api.json("GET", "/calendars", 200)  # The first request of all stores the user.
    with held_before(api.database, A_WRITE, patience=2) as gate:
        going = asyncio.ensure_future(outer)
        await gate.until_reached()
        second = await inner
        gate.open()
        return [await going, second]


def _statuses(answers: list[httpx.Response]) -> list[int]:
    return sorted(answer.status_code for answer in answers)


async def test_of_two_changes_of_one_version_of_a_report_one_is_refused(
    either: Api, report_body: dict[str, Any]
) -> None:
    path, etag = "/api/v1/reports/orders", (await either.http.get("/api/v1/reports/orders")).headers["ETag"]

    def put(title: str) -> Awaitable[httpx.Response]:
        return either.http.put(path, json={**report_body, "title": title}, headers={"If-Match": etag})

    answers = await _one_within_the_other(either, put("First"), put("Second"))
    assert _statuses(answers) == [200, 412]
    (stored,) = [answer.json()["title"] for answer in answers if answer.status_code == 200]
    assert (await either.json("GET", "/reports/orders", 200))["title"] == stored


async def test_of_two_changes_of_one_version_of_a_calendar_one_is_refused(offline: Api) -> None:
    made = await offline.json("POST", "/calendars", 201, json={"id": "office", **CALENDAR})

    def put(title: str) -> Awaitable[httpx.Response]:
        body, headers = {**CALENDAR, "title": title}, {"If-Match": made["etag"]}
        return offline.http.put("/api/v1/calendars/office", json=body, headers=headers)

    answers = await _one_within_the_other(offline, put("First"), put("Second"))
    assert _statuses(answers) == [200, 412]


async def test_of_two_new_reports_of_one_id_one_is_refused(either: Api, report_body: dict[str, Any]) -> None:
    def post(title: str) -> Awaitable[httpx.Response]:
        return either.http.post("/api/v1/reports", json={**report_body, "id": "new", "title": title})

    answers = await _one_within_the_other(either, post("First"), post("Second"))
    assert _statuses(answers) == [201, 409]


async def test_of_two_new_calendars_of_one_id_one_is_refused(either: Api) -> None:
    def post(title: str) -> Awaitable[httpx.Response]:
        return either.http.post("/api/v1/calendars", json={"id": "new", **CALENDAR, "title": title})

    answers = await _one_within_the_other(either, post("First"), post("Second"))
    assert _statuses(answers) == [201, 409]


@pytest.mark.parametrize("first", ["schedule", "report"])
async def test_a_report_is_not_deleted_under_a_new_schedule(
    either: Api, schedule_body: dict[str, Any], first: str
) -> None:
    new = either.http.post("/api/v1/schedules/", json=schedule_body)
    gone = either.http.delete("/api/v1/reports/orders")
    answers = await _one_within_the_other(either, *((new, gone) if first == "schedule" else (gone, new)))
    assert _statuses(answers) in ([201, 409], [204, 422])
    used = (await either.json("GET", "/schedules/?report_id=orders", 200))["items"]
    assert (await either.http.get("/api/v1/reports/orders")).status_code == (200 if used else 404)


@pytest.mark.parametrize("first", ["schedule", "report"])
@pytest.mark.parametrize("change", ["put", "resume"])
async def test_a_schedule_never_becomes_active_that_does_not_fit_its_report(
    either: Api, schedule_body: dict[str, Any], report_body: dict[str, Any], first: str, change: str
) -> None:
    """Neither a report's change nor a schedule's sees the other half-done, and none of them answers 500."""
    made = await either.json("POST", "/schedules/", 201, json={**schedule_body, "formats": ["html"]})
    path = f"/api/v1/schedules/{made['id']}"
    fits_no_more = {**report_body, "formats": ["html"]}
    changing = either.http.put(path, json=schedule_body)
    if change == "resume":
        await either.json("PUT", path.removeprefix("/api/v1"), 200, json=schedule_body)
        await either.json("POST", f"{path.removeprefix('/api/v1')}/pause", 200)
        changing.close()
        changing = either.http.post(f"{path}/resume")
    saving = either.http.put("/api/v1/reports/orders?suspend_broken=true", json=fits_no_more)
    answers = await _one_within_the_other(either, *((changing, saving) if first == "schedule" else (saving, changing)))
    assert _statuses(answers)[0] == 200
    assert _statuses(answers)[1] in (200, 409, 422)
    seen = await either.json("GET", path.removeprefix("/api/v1"), 200)
    assert seen["state"] != "active" or seen["formats"] == ["html"]


async def test_a_new_connection_keeps_its_own_settings(online: Api, tmp_path: Path) -> None:
    """The first request is held on its way to Prefect until the second one was answered, for 2 s at most."""
    going, answered = asyncio.Event(), asyncio.Event()

    async def hold_the_first(request: httpx.Request) -> None:
        if (
            request.method in ("POST", "PATCH", "PUT")
            and "/block_documents/" in request.url.path
            and not going.is_set()
        ):
            going.set()
            await asyncio.wait({asyncio.create_task(answered.wait())}, timeout=2)

    def post(folder: str) -> Awaitable[httpx.Response]:
        (tmp_path / folder).mkdir()
        body = {"name": "bank", "kind": "folder", "settings": {"root": str(tmp_path / folder)}}
        return online.http.post("/api/v1/connections", json=body)

    with intercepted(hold_the_first):
        first = asyncio.ensure_future(post("first"))
        await asyncio.wait_for(going.wait(), 30)
        second = await post("second")
        answered.set()
        answers = {"first": await first, "second": second}
    (winner,) = [folder for folder, answer in answers.items() if answer.status_code == 201]
    stored = await online.json("GET", "/connections/bank", 200)
    assert stored["settings"]["root"] == str(tmp_path / winner)
    assert _statuses(list(answers.values())) == [201, 409]


async def _on_the_calendar(api: Api, body: dict[str, Any], timing: dict[str, Any]) -> str:
    """A schedule on a new calendar; its path."""
    await api.json("POST", "/calendars", 201, json={"id": "office", **CALENDAR})
    made = await api.json("POST", "/schedules/", 201, json={**body, "timing": timing})
    return f"/schedules/{made['id']}"


async def test_a_changed_calendar_moves_a_schedule_by_the_timing_it_has(
    offline: Api, schedule_body: dict[str, Any]
) -> None:
    path = await _on_the_calendar(offline, schedule_body, LAST_DAY)
    answers = await _one_within_the_other(
        offline,
        offline.http.put("/api/v1/calendars/office", json=A_HOLIDAY),
        offline.http.put(f"/api/v1{path}", json={**schedule_body, "timing": HOURLY}),
    )
    assert _statuses(answers) == [200, 200]
    seen = await offline.json("GET", path, 200)
    async with offline.database.session() as session:
        row = await session.get(Schedule, path.rpartition("/")[2])
    assert row is not None
    assert row.next_run is not None
    assert row.next_run.strftime("%Y-%m-%dT%H:%M:%SZ") == seen["next_runs"][0]["at"], "what is shown is what fires"
    assert row.generation == 3, "each change has a generation of its own"


async def test_a_changed_calendar_leaves_a_schedule_paused_that_was_paused_meanwhile(
    offline: Api, schedule_body: dict[str, Any]
) -> None:
    path = await _on_the_calendar(offline, schedule_body, LAST_DAY)
    answers = await _one_within_the_other(
        offline,
        offline.http.put("/api/v1/calendars/office", json=A_HOLIDAY),
        offline.http.post(f"/api/v1{path}/pause"),
    )
    assert _statuses(answers) == [200, 200]
    async with offline.database.session() as session:
        row = await session.get(Schedule, path.rpartition("/")[2])
    assert row is not None
    assert (row.state, row.next_run, row.generation) == (ScheduleState.PAUSED, None, 3)


async def test_a_calendar_and_a_schedule_on_it_can_change_at_once(
    on_postgres: Api, schedule_body: dict[str, Any]
) -> None:
    path = await _on_the_calendar(on_postgres, schedule_body, LAST_DAY)
    with (
        held_before(on_postgres.database, "SELECT .*FROM export_schedules .*FOR UPDATE") as gate,
        opened_by(on_postgres.database, gate, "SELECT .*FROM calendars .*FOR SHARE"),
    ):
        calendar = asyncio.ensure_future(on_postgres.http.put("/api/v1/calendars/office", json=A_HOLIDAY))
        await gate.until_reached()
        schedule = await on_postgres.http.put(f"/api/v1{path}", json={**schedule_body, "timing": HOURLY})
        assert _statuses([await calendar, schedule]) == [200, 200]


@pytest.mark.parametrize("body", [{"name": "New name"}, {"timing": {"on_holiday": "skip"}}], ids=["name", "timing"])
async def test_a_patch_is_merged_into_what_it_finds_once_it_holds_the_schedule(
    either: Api, schedule_body: dict[str, Any], body: dict[str, Any]
) -> None:
    """Meanwhile the schedule is put on another calendar, which is to be locked before the schedule is."""
    path = await _on_the_calendar(either, schedule_body, HOURLY)
    await either.json("POST", "/calendars", 201, json={"id": "plant", **CALENDAR})
    elsewhere = {**LAST_DAY, "calendar": "plant"}
    with held_before(either.database, f"(SELECT .*FROM calendars .*FOR SHARE|{A_WRITE})", patience=2) as gate:
        patch = asyncio.ensure_future(either.http.patch(f"/api/v1{path}", json=body))
        await gate.until_reached()
        await either.json("PUT", path, 200, json={**schedule_body, "timing": elsewhere})
        gate.open()
        answer = await patch
    assert answer.status_code == 200, answer.text
    seen = await either.json("GET", path, 200)
    assert (seen["timing"]["frequency"], seen["timing"]["calendar"]) == ("monthly", "plant")
    assert seen["name"] == body.get("name", schedule_body["name"])
    assert seen["timing"]["on_holiday"] == body.get("timing", {}).get("on_holiday", "run")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("PUT", "{schedule}", 200), ("POST", "{schedule}/pause", 200), ("POST", "/schedules/", 201)],
)
async def test_a_change_outlives_a_database_that_is_busy_for_a_moment(
    offline: Api, schedule_body: dict[str, Any], method: str, path: str, status: int
) -> None:
    made = await offline.json("POST", "/schedules/", 201, json=schedule_body)
    asked = path.format(schedule=f"/schedules/{made['id']}")
    # The audit trail is written last, so all of the work is done twice, and shows once.
    with busy_once(offline.database, "INSERT INTO audit_events"):
        await offline.json(method, asked, status, json=schedule_body, headers={"Idempotency-Key": "once"})
    async with offline.database.session() as session:
        row = await session.get(Schedule, made["id"])
        count = len((await session.scalars(select(Schedule.id))).all())
    assert row is not None
    assert (row.generation, count) == ((1, 2) if path == "/schedules/" else (2, 1))
