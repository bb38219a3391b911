"""Every route × role × relation, generated from the permission table, against the real application.

SECURITY-TESTS 23: every verb times every id. A new route fails here until its request is known, and a new action until
its row is.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from mailroom.access.permissions import TABLE, Action, Relation
from mailroom.roles import Role
from mailroom.storage.database import new_id
from tests.integration.api.access.belongings import MINE, OTHER, SHARED, TEAM, World, world
from tests.integration.api.access.people import People
from tests.integration.api.conftest import SCHEDULE
from tests.support import samples
from tests.support.routes import Served, served_by

READS = {
    "schedule": Action.SCHEDULE_READ,
    "execution": Action.EXECUTION_READ,
    "artifact": Action.ARTIFACT_DOWNLOAD,
    "report": Action.REPORT_READ,
    "connection": Action.CONNECTION_USE,
    "calendar": Action.CALENDAR_READ,
    "user": Action.USER_READ,
    "team": Action.TEAM_READ,
    "draft": Action.DRAFT_READ,
    "template": Action.TEMPLATE_READ,
    # Seen with its schedule, as an execution is.
    "notification": Action.EXECUTION_READ,
    "incident": Action.INCIDENT_READ,
}
KINDS = {
    "schedule_id": "schedule",
    "execution_id": "execution",
    "artifact_id": "artifact",
    "report_id": "report",
    "name": "connection",
    "calendar_id": "calendar",
    "user_id": "user",
    "team_id": "team",
    "key_id": "key",
    "session_id": "session",
    "suppression_id": "suppression",
    "view_id": "view",
    "event_id": "product_event",
    "draft_id": "draft",
    "template_id": "template",
    "notification_id": "notification",
    "incident_id": "incident",
}
PERSON = "ada@example.com"
OFFICE = {"title": "Office", "holidays": []}
USER = {"email": "new@example.com", "name": "New"}
# What a request needs besides the id; `me` is the address of the person, whose own account stays as it is.
BODIES: dict[str, Any] = {
    "POST /schedules": SCHEDULE,
    "POST /schedules/": SCHEDULE,
    "POST /schedules/preview": {"timing": {"frequency": "daily", "at": "02:30"}},
    "PUT /schedules/{}": SCHEDULE,
    "PATCH /schedules/{}": {"name": "Other"},
    "POST /schedules/{}/condition/preview": {},
    "POST /schedules/{}/test": {"to": "ada@example.com"},
    "POST /schedules/{}/backfill": {"from": "2026-11-01", "until": "2026-11-02", "dry_run": True},
    "PUT /schedules/{}/shares": {"users": ["ext:me"]},
    "POST /schedules/views": {"name": "New", "query": "view=failing"},
    "POST /schedules/bulk": {"action": "pause", "ids": ["nobody"], "dry_run": True},
    "POST /deliveries/retry": {"state": "failed", "dry_run": True},
    "POST /stop": {"scope": "connection", "target": "corp-smtp", "reason": "A test."},
    "POST /resume": {"scope": "connection", "target": "corp-smtp"},
    "POST /reports": {**samples.REPORT, "id": "new-report"},
    "PUT /reports/{}": {key: value for key, value in samples.REPORT.items() if key != "id"},
    "POST /connections": {"name": "new", "kind": "folder", "settings": {"root": "/srv"}},
    # It writes there, so the folder must be one that every account can write to.
    "POST /connections/check": {"kind": "folder", "settings": {"root": tempfile.gettempdir()}},
    "POST /connections/choices": {"kind": "folder", "settings": {"root": "/srv"}},
    "PUT /connections/{}": {"kind": "folder", "settings": {"root": "/srv"}},
    "PUT /connections/{}/grants": {"users": ["ext:me"]},
    "POST /calendars": {"id": "new-calendar", **OFFICE},
    "PUT /calendars/{}": OFFICE,
    "POST /calendars/{}/effect": OFFICE,
    "POST /distribution/test/{}": {"connection": "connection-shared"},
    "POST /distribution/preview": {"report_id": SCHEDULE["report_id"], "destination": {"channel": "folder"}},
    "POST /distribution/preview/message": {"report_id": SCHEDULE["report_id"], "destination": samples.FOLDER},
    "POST /users": USER,
    "PUT /users/{}": None,
    "POST /teams": {"name": "New"},
    "PUT /teams/{}": {"name": "Other"},
    "POST /keys": {"name": "New"},
    "PUT /users/{}/password": {"new": "many trains leave at dawn"},
    "POST /users/{}/links": {"purpose": "login"},
    "PATCH /users/{}/preferences": {"theme": "dark"},
    "PUT /keys/{}": {"name": "Other", "scope": "read", "expires_at": f"{datetime.now(UTC) + timedelta(days=9):%FT%TZ}"},
    "POST /suppressions": {"address": "new@example.com", "reason": "A test."},
    "PUT /suppressions/{}": {"reason": "Another."},
    "POST /drafts": {},
    "PUT /drafts/{}/{}": {"name": "Other"},
    "POST /drafts/{}/activate": {},
    "POST /schedule-templates": {"title": "New", "body": {}},
    "PUT /schedule-templates/{}": {"title": "Other", "body": {}},
    "PUT /schedule-templates/{}/shares": {"users": ["ext:me"]},
    "POST /apply": {"documents": [], "dry_run": True},
    "POST /apply/preview": {"documents": []},
    "POST /notifications/read": {},
    "POST /notifications/mutes": {"schedule_id": "{mine}"},
    "POST /incidents/{}/mute": {"until": f"{datetime.now(UTC) + timedelta(days=9):%FT%TZ}"},
}
WITHOUT = {
    *(f"POST /schedules/{{}}/{verb}" for verb in ("pause", "resume", "run", "undelete")),
    *(f"POST /executions/{{}}/{verb}" for verb in ("retry", "correct")),
    *(f"POST /notifications/{{}}/{verb}" for verb in ("read", "unread")),
    "POST /alerts/test",
    "POST /connections/{}/check",
    "POST /connections/{}/enable",
    "POST /recipients/{}/erase",
    "POST /incidents/{}/acknowledge",
    "POST /incidents/{}/unmute",
    "POST /product-events/{}/retry",
}


@dataclass(frozen=True)
class Case:
    """One request, and what the table says about it."""

    route: Served
    relation: Relation
    expected: int | None
    """403 or 404; None where it is allowed."""


def kind_of(path: str) -> str | None:
    """Return the kind of thing that a path names, if it is one that somebody can own."""
    found = re.search(r"{(\w+)}", path)
    return KINDS.get(found.group(1)) if found else None


def _named_in(path: str) -> str:
    """Return what a path names that is no thing of anybody's: an address, or a channel."""
    return "ada@example.com" if "{address}" in path else "folder"


def sees(kind: str, role: Role, relation: Relation) -> bool:
    """Tell whether somebody of this role sees a thing in this relation."""
    if kind in ("key", "session"):
        return role is Role.ADMIN or relation is MINE
    if kind == "view":
        return relation is MINE
    return relation in TABLE[READS[kind]].relations(role)


def expected_of(action: Action, kind: str | None, role: Role, relation: Relation) -> int | None:
    """Return with what a request is refused by the table, or None where it is allowed."""
    allowed = TABLE[action].relations(role)
    if not allowed:
        return 403
    if relation in allowed:
        return None
    assert kind, f"{action} has a relation, and its path names no thing"
    return 403 if sees(kind, role, relation) else 404


def _cases(routes: list[Served], role: Role, made: World) -> Iterator[Case]:
    order = {"GET": 0, "POST": 1, "PATCH": 2, "PUT": 3, "DELETE": 4}

    def place(one: Served) -> tuple[Any, ...]:
        # What is below a thing goes before the thing itself.
        depth = one.path.count("/") if one.method == "DELETE" else 0
        return order[one.method], "resume" in one.path, -depth, one.path

    for route in sorted(routes, key=place):
        action, kind = Action(str(route.mark)), kind_of(route.path)
        of_things = Relation.NONE not in TABLE[action].admin
        assert of_things == (kind is not None), f"{route.method} {route.path}: {action}"
        relations = [one for one in (MINE, SHARED, TEAM, OTHER) if (kind, one) in made.ids] if kind else [Relation.NONE]
        assert relations, f"nothing to ask {route.path} for"
        for relation in relations:
            yield Case(route, relation, expected_of(action, kind, role, relation))


async def _ask(made: World, route: Served, thing: str) -> httpx.Response:
    shape = f"{route.method} {re.sub(r'{[^}]+}', '{}', route.path).removeprefix('/api/v1')}"
    # The person of a schedule is no thing of anybody's.
    path = route.path if route.path.endswith("recipients/{address}") else route.path.replace("{address}", PERSON)
    path = re.sub(r"{[^}]+}", thing, path.replace("{part}", "name"))
    if route.method in ("GET", "DELETE") or shape in WITHOUT:
        return await made.me.http.request(route.method, path)
    body = BODIES[shape]
    if body is None:
        body = {"email": f"{thing}@example.com", "name": "Renamed", "role": "creator"}
        if thing == made.me.id:
            body = {"email": made.me.email, "name": "Me", "role": "admin"}
    if body == {"schedule_id": "{mine}"}:
        body = {"schedule_id": made.ids["schedule", MINE]}
    media = "application/merge-patch+json" if route.method == "PATCH" else "application/json"
    return await made.me.http.request(route.method, path, json=body, headers={"Content-Type": media})


def _fits(case: Case, answer: httpx.Response) -> bool:
    if case.expected is None:
        # What was asked for is allowed: done, in conflict with the state of the thing, or Prefect is down.
        return answer.is_success or answer.status_code in (409, 503)
    return answer.status_code == case.expected


@pytest.mark.parametrize("role", Role)
async def test_security_23_every_route_answers_as_the_table_says(people: People, role: Role) -> None:
    await people.api.json("PUT", "/connections/shared/grants", 200, json={"roles": ["creator"]})
    await people.api.json("PUT", "/connections/warehouse/grants", 200, json={"roles": ["creator"]})
    made = await world(people, role)
    user = {"email": made.me.email, "name": "Me", "role": role, "team": "ext:ours", "external_id": "me"}
    grants = ["report.define_sql"]
    await people.api.json("PUT", f"/users/{made.me.id}", 200, json={**user, "grants": grants})
    wrong, asked = [], set()
    for case in _cases(served_by(people.api.app), role, made):
        route = case.route
        kind = kind_of(route.path)
        thing = made.ids[kind, case.relation] if kind else _named_in(route.path)
        if route.method == "DELETE" and thing in (made.me.id, made.ids["team", MINE]) and case.expected is None:
            continue  # It would end the test.
        answer = await _ask(made, route, thing)
        asked.add((route.method, route.path))
        told = f"{role} {route.method} {route.path} {case.relation}: {answer.status_code}, not {case.expected}"
        if not _fits(case, answer):
            wrong.append(f"{told}: {answer.text[:200]}")
        elif case.expected == 404:
            nobody = "nobody" if kind == "connection" else new_id()
            missing = await _ask(made, route, nobody)
            if missing.text.replace(nobody, "?") != answer.text.replace(thing, "?"):
                wrong.append(f"{told}: the body tells that it exists: {answer.text} {missing.text}")
    assert not wrong, "\n".join(wrong)
    assert len(asked) >= len(served_by(people.api.app)) - 2


async def test_security_23_what_is_not_there_is_said_of_anothers_and_by_no_verb_else(people: People) -> None:
    """The same by hand for one thing, so that the generated cases cannot all be wrong in the same way."""
    made = await world(people, Role.CREATOR)
    theirs, shared = made.ids["schedule", OTHER], made.ids["schedule", SHARED]
    for verb, path in (("GET", ""), ("DELETE", ""), ("POST", "/pause"), ("POST", "/run"), ("GET", "/history")):
        assert (await made.me.http.request(verb, f"/api/v1/schedules/{theirs}{path}")).status_code == 404
    assert (await made.me.http.get(f"/api/v1/schedules/{shared}")).status_code == 200
    assert (await made.me.http.post(f"/api/v1/schedules/{shared}/pause")).status_code == 403
    assert (await made.me.http.post(f"/api/v1/schedules/{made.ids['schedule', TEAM]}/pause")).status_code == 404
    assert (await made.me.http.post(f"/api/v1/schedules/{made.ids['schedule', MINE]}/pause")).status_code == 200
