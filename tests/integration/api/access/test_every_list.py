"""SECURITY-TESTS 24 for every list there is, also one that comes later: nothing of another's, by no filter.

Each thing bears a mark of whose it is, in all its texts and ids. A list, whatever is asked of it, has no mark of what
its caller may not see, and a filter by another's id answers as one by an id that nobody has.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mailroom.access.permissions import TABLE, Action, Relation
from mailroom.executions import repository as executions
from mailroom.executions.lifecycle import new_execution
from mailroom.roles import Role
from mailroom.states import DeliveryState, ExecutionKind, ExecutionState
from mailroom.storage.tables import AuditEvent, Delivery
from tests.integration.api.access.belongings import MINE, OTHER, SHARED, TEAM, World, world
from tests.integration.api.access.people import People

# What a route needs to be asked at all.
ASKED = {"/api/v1/schedules/load": {"timezone": "Europe/Berlin"}}
# A list in which a figure counts everybody's, on purpose: none.
ONE_THING = {"/api/v1/sessions/current"}
KINDS = ("schedule", "execution", "artifact", "report", "connection", "user", "team", "key", "draft", "template")


async def _marked(people: People, role: Role) -> World:
    """Make a world in which also deliveries and entries of the audit trail tell whose they are."""
    made, now = await world(people, role), datetime.now(UTC)
    async with people.api.database.session() as session:
        for relation in (MINE, SHARED, TEAM, OTHER):
            execution = await executions.get(session, made.ids["execution", relation])
            schedule_id, mark = made.ids["schedule", relation], f"mark-{relation}"
            delivery = Delivery(
                execution_id=execution.id,
                position=0,
                channel="email",
                connection="corp-smtp",
                recipient=f"{mark}@example.com",
                key=f"{execution.id}-0",
                destination={},
                status=DeliveryState.FAILED,
                error_message=f"{mark} failed",
                created_at=now,
            )
            event = AuditEvent(
                at=now,
                actor=made.owner(relation).email,
                action="changed",
                entity_type="schedule",
                entity_id=schedule_id,
                detail={"name": mark},
            )
            session.add_all([delivery, event])
            await session.flush()
            made.ids["delivery", relation] = delivery.id
    return made


def _marks(made: World, relation: Relation) -> set[str]:
    """Return what tells that something is of this relation."""
    ids = {made.ids[kind, relation] for kind in (*KINDS, "delivery") if (kind, relation) in made.ids}
    return (
        ids
        | {f"mark-{relation}", f"Note {relation}", f"Schedule {relation}", made.owner(relation).id}
        | {
            f"Draft {relation}",
            f"Template {relation}",
        }
    )


def _hidden(made: World) -> set[str]:
    """Return all marks of what a creator or a viewer may not see; what is of a team-mate's account is not judged."""
    may_be_seen = {made.me.id, made.mate.id, made.stranger.id} | _marks(made, MINE) | _marks(made, SHARED)
    return (_marks(made, TEAM) | _marks(made, OTHER)) - may_be_seen - {made.ids["user", TEAM]}


def _lists(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        if path.startswith("/api/v1/") and "get" in item and "{" not in path and path not in ONE_THING:
            yield path, item["get"]


async def _text(made: World, path: str, query: dict[str, Any]) -> tuple[int, str]:
    """Return the status and the text of all pages of a list."""
    found, cursor = "", ""
    while True:
        answer = await made.me.http.get(
            path, params={**ASKED.get(path, {}), **query, **({"cursor": cursor} if cursor else {})}
        )
        found += answer.text
        body = answer.json()
        cursor = str(body.get("next_cursor") or "") if answer.is_success and isinstance(body, dict) else ""
        if not cursor:
            return answer.status_code, found


@pytest.mark.parametrize("role", [Role.VIEWER, Role.CREATOR])
async def test_security_24_no_list_has_a_mark_of_anothers(people: People, role: Role) -> None:
    made = await _marked(people, role)
    hidden, seen, asked = _hidden(made), "", 0
    assert len(hidden) > 10
    for path, operation in _lists(people.api.app.openapi()):
        status, text = await _text(made, path, {})
        may = TABLE[Action(operation["x-permission"])].relations(role)
        assert (status == 200) == bool(may), f"{path}: {status} {text}"
        assert {mark for mark in hidden if mark in text} == set(), path
        asked, seen = asked + (status == 200), seen + text
    assert asked >= 8
    for relation in (MINE, SHARED):
        assert made.ids["schedule", relation] in seen, "what may be seen is there, so the marks would be found"
        assert f"mark-{relation}@example.com" in seen
    every = [(path, operation) for path, operation in _lists(people.api.app.openapi())]
    operator = "".join([(await people.api.http.get(path, params=ASKED.get(path, {}))).text for path, _ in every])
    assert {mark for mark in hidden if mark not in operator} <= {made.ids["artifact", one] for one in (TEAM, OTHER)} | {
        made.ids["user", OTHER],
        made.ids["team", OTHER],
    }, "a mark that nobody sees proves nothing"


@pytest.mark.parametrize("role", [Role.VIEWER, Role.CREATOR])
async def test_security_24_no_filter_tells_that_something_of_anothers_exists(people: People, role: Role) -> None:
    made, wrong = await _marked(people, role), []
    unknown = "00000000-0000-4000-8000-000000000000"
    theirs = sorted({made.ids[kind, OTHER] for kind in (*KINDS, "delivery") if (kind, OTHER) in made.ids})
    for path, operation in _lists(people.api.app.openapi()):
        for parameter in operation.get("parameters", []):
            name, schema = parameter["name"], json.dumps(parameter["schema"])
            no_text = '"string"' not in schema or '"enum"' in schema or '"format": "date' in schema
            if parameter["in"] != "query" or name == "cursor" or no_text:
                continue
            missing = await _text(made, path, {name: unknown})
            for one in theirs:
                status, text = await _text(made, path, {name: one})
                told = (status, _without_moments(text.replace(one, "?")))
                if told != (missing[0], _without_moments(missing[1].replace(unknown, "?"))):
                    wrong.append(f"{path}?{name}={one}: {told}, not {missing}")
    assert not wrong, "\n".join(wrong)


async def test_security_24_figures_and_a_retry_by_filter_count_what_is_seen(people: People) -> None:
    made = await _marked(people, Role.CREATOR)
    due = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    async with people.api.database.session() as session:
        for relation in (MINE, SHARED, TEAM, OTHER):
            row = new_execution(made.ids["schedule", relation], ExecutionKind.SCHEDULED, due, now=due)
            row.status = ExecutionState.MISSED
            session.add(row)
    period = {"since": (due - timedelta(minutes=5)).isoformat(), "until": (due + timedelta(minutes=5)).isoformat()}
    assert (await made.me.json("GET", "/stats", 200, params=period))["by_state"] == {"missed": 2}
    assert (await people.api.json("GET", "/stats", 200, params=period))["by_state"] == {"missed": 4}
    body = {"state": "failed", "dry_run": True}
    answer = await made.me.json("POST", "/deliveries/retry", 202, json=body)
    named = {one["execution_id"] for one in (*answer["asked"], *answer["left_out"])}
    assert named == {made.ids["execution", relation] for relation in (MINE, SHARED)}
    assert [one["execution_id"] for one in answer["asked"]] == [made.ids["execution", MINE]]


def _without_moments(text: str) -> str:
    return re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z?", "", text)
