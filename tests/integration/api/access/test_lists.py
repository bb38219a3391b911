"""SECURITY-TESTS 24 and 25: lists show what a caller may see and nothing else, and nobody sets what is not theirs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mailroom.access.permissions import Relation
from mailroom.executions.lifecycle import new_execution
from mailroom.roles import Role
from mailroom.states import ExecutionKind, ExecutionState
from tests.integration.api.access.belongings import MINE, OTHER, SHARED, TEAM, World, world
from tests.integration.api.access.people import People
from tests.integration.api.conftest import SCHEDULE

SEEN = {
    Role.VIEWER: {MINE, SHARED},
    Role.CREATOR: {MINE, SHARED},
    Role.ADMIN: {MINE, SHARED, TEAM, OTHER},
}


async def listed(made: World, path: str, field: str = "id") -> set[str]:
    """Return this field of every item of a list, over all its pages."""
    found: set[str] = set()
    cursor = ""
    while True:
        answer = await made.me.json("GET", f"{path}{'&' if '?' in path else '?'}limit=2{cursor}", 200)
        found |= {item[field] for item in answer["items"]}
        if not answer["next_cursor"]:
            return found
        cursor = f"&cursor={answer['next_cursor']}"


def of(made: World, kind: str, relations: set[Relation]) -> set[str]:
    return {made.ids[kind, one] for one in relations if (kind, one) in made.ids}


@pytest.mark.parametrize("role", Role)
async def test_security_24_lists_show_what_may_be_seen(people_of_either: People, role: Role) -> None:
    made = await world(people_of_either, role)
    seen = SEEN[role]
    assert await listed(made, "/schedules/") == of(made, "schedule", seen)
    assert await listed(made, "/schedules/executions") == of(made, "execution", seen)
    assert await listed(made, "/notifications", "title") >= {f"Note {one}" for one in seen}
    hidden = {f"Note {one}" for one in (MINE, SHARED, TEAM, OTHER) if one not in seen}
    assert not await listed(made, "/notifications", "title") & hidden
    everyone = of(made, "user", {MINE, TEAM, OTHER})
    mates = {Role.VIEWER: {MINE}, Role.CREATOR: {MINE, TEAM}, Role.ADMIN: {MINE, TEAM, OTHER}}[role]
    assert await listed(made, "/users") & everyone == of(made, "user", mates)
    assert await listed(made, "/keys") & of(made, "key", {MINE, TEAM, OTHER}) == of(
        made, "key", {MINE, TEAM, OTHER} if role is Role.ADMIN else {MINE}
    )
    assert await listed(made, "/teams") == of(made, "team", {MINE, OTHER} if role is Role.ADMIN else {MINE})
    for relation in (MINE, SHARED, TEAM, OTHER):
        path = f"/api/v1/artifacts/{made.ids['artifact', relation]}/download"
        assert (await made.me.http.get(path)).status_code == (200 if relation in seen else 404)
    load = await made.me.json("GET", "/schedules/load?timezone=Europe/Berlin", 200)
    tomorrow = await made.me.json("GET", "/stats", 200)
    assert load["total"] == len(seen)
    assert tomorrow["unaccounted"] <= len(seen)


async def test_security_24_a_creator_sees_own_reports_and_granted_connections(people: People) -> None:
    made = await world(people, Role.CREATOR)
    reports = {item["id"] for item in (await made.me.json("GET", "/reports", 200))["items"]}
    assert reports == {"orders", "report-own", "report-shared"}
    connections = {item["name"] for item in (await made.me.json("GET", "/connections", 200))["items"]}
    assert connections == {"connection-shared"}
    viewer = await people.person("viewer", Role.VIEWER)
    await viewer.json("GET", "/reports", 403)
    await viewer.json("GET", "/connections", 403)


async def test_security_24_filters_and_the_audit_trail_do_not_tell_of_others(people: People) -> None:
    made = await world(people, Role.CREATOR)
    theirs = made.ids["schedule", OTHER]
    assert await listed(made, f"/schedules/executions?schedule_id={theirs}") == set()
    assert await listed(made, f"/schedules/?owner={made.stranger.id}") == set()
    assert await listed(made, "/schedules/?search=other_team") == set()
    for person, schedule in ((made.me, MINE), (made.stranger, OTHER)):
        await person.json("POST", f"/schedules/{made.ids['schedule', schedule]}/pause", 200)
    assert {e["entity_id"] for e in (await made.me.json("GET", "/audit", 200))["items"]} == {made.ids["schedule", MINE]}
    assert (await made.me.json("GET", f"/audit?entity_id={theirs}", 200))["items"] == []
    assert (await made.me.json("GET", "/audit?entity_type=user", 200))["items"] == []
    body = {"action": "delete", "filter": {"search": "Schedule"}}
    answer = await made.me.json("POST", "/schedules/bulk", 200, json=body)
    assert {item["id"]: item["problem"] and item["problem"]["status"] for item in answer["items"]} == {
        made.ids["schedule", MINE]: None,
        made.ids["schedule", SHARED]: 403,
    }
    both = {"action": "delete", "ids": [theirs, "nobody"]}
    one, other = (await made.me.json("POST", "/schedules/bulk", 200, json=both))["items"]
    assert (one["name"], one["problem"]["status"]) == (other["name"], other["problem"]["status"]) == ("", 404)


async def test_security_24_a_preview_does_not_tell_how_long_the_runs_of_others_take(people: People) -> None:
    made = await world(people, Role.CREATOR)
    began = datetime(2026, 11, 20, 8, tzinfo=UTC)
    async with people.api.database.session() as session:
        for relation in (MINE, OTHER):
            for day in range(5):
                due = began + timedelta(days=day)
                execution = new_execution(made.ids["schedule", relation], ExecutionKind.RUN_NOW, due, now=due)
                execution.status, execution.started_at = ExecutionState.SUCCESS, due
                execution.completed_at = due + timedelta(hours=7)
                session.add(execution)
    hourly = {"frequency": "hourly", "every": 6, "from": "00:00", "until": "23:00", "timezone": "UTC"}
    told = {}
    for relation in (MINE, OTHER):
        body = {"timing": hourly, "schedule_id": made.ids["schedule", relation]}
        answer = await made.me.json("POST", "/schedules/preview", 200, json=body)
        told[relation] = {warning["code"] for warning in answer["warnings"]}
    assert told == {MINE: {"runs_exceed_interval"}, OTHER: set()}


NOT_THEIRS: tuple[dict[str, Any], ...] = (
    {"owner": "x"},
    {"user_id": "x"},
    {"id": "x"},
    {"state": "active"},
    {"deployment_id": "x"},
    {"last_run": None},
    {"sync": {"state": "synced"}},
)


async def test_security_25_nobody_sets_what_is_not_theirs(people: People) -> None:
    await people.api.json("PUT", "/connections/shared/grants", 200, json={"roles": ["creator"]})
    me = await people.person("me", Role.CREATOR)
    made = await me.json("POST", "/schedules/", 201, json=SCHEDULE)
    assert made["owner"] == me.id
    for more in NOT_THEIRS:
        (field,) = more
        problem = await me.json("POST", "/schedules/", 422, json={**SCHEDULE, **more})
        assert [fault["field"] for fault in problem["errors"]] == [field]
        await me.json("PUT", f"/schedules/{made['id']}", 422, json={**SCHEDULE, **more})
        await me.json("PATCH", f"/schedules/{made['id']}", 422, json={field: more[field] or "x"})


async def test_security_25_nobody_makes_themselves_more(people: People) -> None:
    me = await people.person("me", Role.CREATOR)
    body = {"email": me.email, "name": "Me", "role": "admin"}
    await me.json("PUT", f"/users/{me.id}", 403, json=body)
    await me.json("PUT", "/users/ext:me", 403, json=body)
    await me.json("POST", "/users", 403, json=body)
    problem = await me.json("POST", "/keys", 422, json={"name": "more", "scope": "admin"})
    assert problem["errors"][0]["field"] == "scope"
    await people.api.json("PUT", f"/users/{me.id}", 422, json={**body, "grants": ["user.change"]})
