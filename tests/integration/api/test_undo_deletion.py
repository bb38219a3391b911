"""The deletion of a schedule can be undone for some minutes, and nothing leaves meanwhile."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, update

from mailroom.schedules.deletions.finish import finish_due
from mailroom.storage.tables import Execution, Report, Schedule, User

if TYPE_CHECKING:
    from tests.integration.api.conftest import Api


async def make(api: Api, body: dict[str, Any], **changes: Any) -> str:
    """Store a schedule; returns its id."""
    return str((await api.json("POST", "/schedules/", 201, json={**body, **changes}))["id"])


async def row(api: Api, schedule_id: str) -> Schedule:
    async with api.database.session() as session:
        found = await session.get(Schedule, schedule_id)
        assert found is not None
        return found


async def test_a_deleted_schedule_is_shown_with_its_time_and_left_out_of_lists(
    either: Api, schedule_body: dict[str, Any]
) -> None:
    made = await make(either, schedule_body)
    path, before = f"/schedules/{made}", datetime.now(UTC)
    assert (await either.json("GET", path, 200))["delete_after"] is None
    await either.json("DELETE", path, 204)
    shown = await either.json("GET", path, 200)
    assert (shown["state"], shown["next_runs"]) == ("deleted", [])
    time_left = datetime.fromisoformat(shown["delete_after"]) - before
    assert timedelta(seconds=599) < time_left < timedelta(seconds=660)
    assert (await either.json("GET", "/schedules/", 200))["items"] == []
    for method, verb, status in (("POST", "/run", 404), ("POST", "/pause", 404), ("DELETE", "", 404)):
        await either.json(method, f"{path}{verb}", status)


@pytest.mark.parametrize("was", ["active", "paused", "suspended", "finished"])
async def test_an_undo_gives_the_state_back(offline: Api, schedule_body: dict[str, Any], was: str) -> None:
    made = await make(offline, schedule_body)
    async with offline.database.session() as session:
        await session.execute(update(Schedule).values(state=was, is_active=was == "active", consecutive_failures=3))
    path = f"/schedules/{made}"
    await offline.json("DELETE", path, 204)
    deleted = await offline.json("GET", path, 200)
    await offline.json("POST", f"{path}/undelete", 412, headers={"If-Match": '"1"'})
    undone = await offline.json("POST", f"{path}/undelete", 200, headers={"If-Match": deleted["etag"]})
    assert (undone["state"], undone["delete_after"]) == (was, None)
    assert len(undone["next_runs"]) == (5 if was == "active" else 0)
    kept = await row(offline, made)
    assert (kept.deleted_from, kept.deleted_at, kept.consecutive_failures) == (None, None, 3)
    assert kept.is_active is (was == "active")
    assert [one["id"] for one in (await offline.json("GET", "/schedules/", 200))["items"]] == [made]
    # Once more: it is not deleted, so it stays as it is.
    again = await offline.json("POST", f"{path}/undelete", 200)
    assert again["etag"] == undone["etag"]
    events = (await offline.json("GET", f"/audit?entity_id={made}", 200))["items"]
    assert [event["action"] for event in events] == ["undeleted", "deleted", "created"]


async def test_what_was_due_meanwhile_is_accounted_for_and_not_sent(either: Api, schedule_body: dict[str, Any]) -> None:
    hourly = {"frequency": "cron", "expression": "0 * * * *", "timezone": "UTC"}
    made = await make(either, schedule_body, timing=hourly)
    await either.json("DELETE", f"/schedules/{made}", 204)
    # It was deleted some hours ago, and may still be undone.
    async with either.database.session() as session:
        await session.execute(update(Schedule).values(accounted_until=datetime.now(UTC) - timedelta(hours=3)))
    undone = await either.json("POST", f"/schedules/{made}/undelete", 200)
    kept = await row(either, made)
    assert kept.accounted_until > datetime.now(UTC) - timedelta(minutes=1)
    assert kept.next_run == datetime.fromisoformat(undone["next_runs"][0]["at"])
    async with either.database.session() as session:
        assert (await session.scalars(select(Execution))).all() == []


async def test_an_immediate_start_is_skipped_by_the_deletion_and_an_undo_does_not_start_it(
    offline: Api, schedule_body: dict[str, Any]
) -> None:
    made = await make(offline, schedule_body, timing={"frequency": "immediate"})
    await offline.json("DELETE", f"/schedules/{made}", 204)
    (execution,) = (await offline.json("GET", f"/schedules/{made}/history", 200))["items"]
    assert (execution["status"], execution["reason_code"]) == ("skipped", "schedule_deleted")
    await offline.json("POST", f"/schedules/{made}/undelete", 200)
    (execution,) = (await offline.json("GET", f"/schedules/{made}/history", 200))["items"]
    assert execution["status"] == "skipped"
    assert (await row(offline, made)).next_run is None


async def test_after_its_time_it_is_gone(either: Api, schedule_body: dict[str, Any]) -> None:
    late, gone, kept = [await make(either, schedule_body, name=name) for name in ("Late", "Gone", "Kept")]
    for made in (late, gone, kept):
        await either.json("DELETE", f"/schedules/{made}", 204)
    now = datetime.now(UTC)
    async with either.database.session() as session:
        await session.execute(update(Schedule).where(Schedule.id.in_([late, gone])).values(delete_after=now))
    # Nothing has to have run for it: the time decides.
    await either.json("GET", f"/schedules/{late}", 404)
    await either.json("POST", f"/schedules/{late}/undelete", 404)
    before = (await row(either, gone)).generation
    assert set(await finish_due(either.database, now=now)) == {late, gone}
    assert await finish_due(either.database, now=now) == []
    finished = await row(either, gone)
    assert (finished.delete_after, finished.generation, finished.sync_state) == (None, before + 1, "pending")
    assert finished.deleted_at is not None
    await either.json("POST", f"/schedules/{gone}/undelete", 404)
    await either.json("GET", f"/schedules/{kept}", 200)
    # The history is proof, and stays.
    history = await either.json("GET", f"/schedules/executions?schedule_id={gone}", 200)
    assert history["items"] == []


async def test_without_time_to_undo_it_is_gone_at_once(offline: Api, schedule_body: dict[str, Any]) -> None:
    at_once = offline.settings.model_copy(update={"undo_delete_seconds": 0})
    offline.app.state.services = replace(offline.app.state.services, settings=at_once)
    made = await make(offline, schedule_body)
    await offline.json("DELETE", f"/schedules/{made}", 204)
    await offline.json("GET", f"/schedules/{made}", 404)
    await offline.json("POST", f"/schedules/{made}/undelete", 404)


async def test_one_whose_calendar_is_gone_comes_back_suspended(offline: Api, schedule_body: dict[str, Any]) -> None:
    calendar = {"id": "office", "title": "Office", "holidays": []}
    await offline.json("POST", "/calendars", 201, json=calendar)
    made = await make(offline, schedule_body, timing={**schedule_body["timing"], "calendar": "office"})
    await offline.json("DELETE", f"/schedules/{made}", 204)
    await offline.json("DELETE", "/calendars/office", 204)
    await offline.json("GET", f"/schedules/{made}", 200)
    assert (await offline.json("POST", f"/schedules/{made}/undelete", 200))["state"] == "suspended"


async def test_what_may_not_run_by_now_comes_back_suspended(offline: Api, schedule_body: dict[str, Any]) -> None:
    made = await make(offline, schedule_body)
    await offline.json("DELETE", f"/schedules/{made}", 204)
    async with offline.database.session() as session:
        await session.execute(update(Report).values(is_active=False))
    undone = await offline.json("POST", f"/schedules/{made}/undelete", 200)
    assert (undone["state"], undone["next_runs"]) == ("suspended", [])
    events = (await offline.json("GET", f"/audit?entity_id={made}&action=undeleted", 200))["items"]
    assert events[0]["detail"]["state"] == "suspended"
    assert len(events[0]["detail"]["faults"]) == 1


@pytest.mark.parametrize("values", [{"is_active": False}, {"role": "viewer"}], ids=["disabled", "a viewer by now"])
async def test_one_whose_owner_may_own_none_comes_back_suspended(
    offline: Api, schedule_body: dict[str, Any], values: dict[str, Any]
) -> None:
    person = {"email": "ada@example.com", "name": "Ada", "role": "creator", "external_id": "ada"}
    ada = (await offline.json("POST", "/users", 201, json=person))["id"]
    made = await make(offline, schedule_body)
    await offline.json("DELETE", f"/schedules/{made}", 204)
    async with offline.database.session() as session:
        await session.execute(update(Schedule).values(user_id=ada))
        await session.execute(update(User).where(User.id == ada).values(**values))
    undone = await offline.json("POST", f"/schedules/{made}/undelete", 200)
    assert (undone["state"], undone["next_runs"]) == ("suspended", [])


async def test_many_are_deleted_and_brought_back(offline: Api, schedule_body: dict[str, Any]) -> None:
    ids = [await make(offline, schedule_body, name=name) for name in ("First", "Second")]
    await offline.json("POST", "/schedules/bulk", 200, json={"action": "delete", "ids": ids})
    body = {"action": "undelete", "ids": [*ids, "nobody"]}
    answer = await offline.json("POST", "/schedules/bulk", 200, json=body)
    assert [item["outcome"] for item in answer["items"]] == ["done", "done", "failed"]
    assert [(await row(offline, one)).state for one in ids] == ["active", "active"]


async def test_an_erasure_ends_the_time_to_undo(offline: Api, schedule_body: dict[str, Any]) -> None:
    mail = {"channel": "email", "connection": "corp-smtp", "to": ["ada@example.com"]}
    made = await make(offline, schedule_body, destinations=[mail])
    await offline.json("DELETE", f"/schedules/{made}", 204)
    await offline.json("POST", "/recipients/ada@example.com/erase", 200)
    await offline.json("POST", f"/schedules/{made}/undelete", 404)
