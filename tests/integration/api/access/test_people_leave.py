"""Users and teams, and what becomes of schedules when their owners leave."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mailroom.roles import Role
from tests.integration.api.access.belongings import schedule_of
from tests.integration.api.access.people import People, Person
from tests.integration.api.conftest import SCHEDULE

if TYPE_CHECKING:
    from tests.integration.api.conftest import Api


async def _granted(people: People, name: str = "me") -> Person:
    await people.api.json("PUT", "/connections/shared/grants", 200, json={"roles": ["creator"]})
    return await people.person(name, Role.CREATOR)


async def _state(api: Api, schedule_id: str) -> str:
    return str((await api.json("GET", f"/schedules/{schedule_id}", 200))["state"])


@pytest.mark.parametrize("how", ["disabled", "deleted", "demoted"])
async def test_the_schedules_of_one_who_leaves_are_suspended_and_not_lost(people_of_either: People, how: str) -> None:
    people, api = people_of_either, people_of_either.api
    me = await _granted(people)
    active = (await me.json("POST", "/schedules/", 201, json=SCHEDULE))["id"]
    paused = (await me.json("POST", "/schedules/", 201, json={**SCHEDULE, "name": "Paused"}))["id"]
    await me.json("POST", f"/schedules/{paused}/pause", 200)
    body = {"email": me.email, "name": "Me", "role": "creator", "external_id": "me"}
    if how == "deleted":
        answer = await api.json("DELETE", f"/users/{me.id}", 200)
    else:
        change = {"role": "viewer"} if how == "demoted" else {"is_active": False}
        answer = await api.json("PUT", "/users/ext:me", 200, json={**body, **change})
    assert answer["suspended"] == [active]
    assert (await _state(api, active), await _state(api, paused)) == ("suspended", "paused")
    notes = (await api.json("GET", "/notifications", 200))["items"]
    assert {note["schedule_id"] for note in notes} == {active, None}
    assert any(me.email in note["title"] for note in notes)
    events = (await api.json("GET", f"/audit?entity_id={active}", 200))["items"]
    assert (events[0]["action"], events[0]["detail"]["owner"]) == ("suspended", me.email)
    for schedule_id in (active, paused):
        await api.json("POST", f"/schedules/{schedule_id}/resume", 409)
    heir = await people.person("heir", Role.CREATOR)
    bulk = {"action": "reassign", "filter": {"owner": me.id}, "to": "ext:heir"}
    dry = await api.json("POST", "/schedules/bulk", 200, json={**bulk, "dry_run": True})
    assert (dry["matched"], dry["done"]) == (2, 2)
    assert (await api.json("GET", f"/schedules/{active}", 200))["owner"] == me.id
    assert (await api.json("POST", "/schedules/bulk", 200, json=bulk))["done"] == 2
    again = await api.json("POST", "/schedules/bulk", 200, json={**bulk, "filter": {"owner": heir.id}})
    assert again["unchanged"] == 2
    await heir.json("POST", f"/schedules/{active}/resume", 200)
    assert await _state(api, active) == "active"
    event = (await api.json("GET", f"/audit?entity_id={paused}", 200))["items"][0]
    assert (event["action"], event["detail"]["owner"]) == ("reassigned", [me.email, heir.email])


async def test_one_who_comes_back_can_resume(people: People) -> None:
    me = await _granted(people)
    made = await me.json("POST", "/schedules/", 201, json=SCHEDULE)
    await people.api.json("DELETE", f"/users/{me.id}", 200)
    body = {"email": me.email, "name": "Me", "role": "creator"}
    await people.api.json("PUT", f"/users/{me.id}", 200, json=body)
    assert await _state(people.api, made["id"]) == "suspended"
    await me.json("POST", f"/schedules/{made['id']}/resume", 200)


@pytest.mark.parametrize(
    ("to", "status", "field"), [("ext:nobody", 422, "to"), ("ext:viewer", 422, "to"), ("ext:barred", 409, None)]
)
async def test_a_schedule_goes_only_to_one_who_may_own_it(
    people: People, to: str, status: int, field: str | None
) -> None:
    made = await people.api.json("POST", "/schedules/", 201, json=SCHEDULE)
    await people.person("viewer", Role.VIEWER)
    await people.person("barred", Role.CREATOR)  # No grant: may not use the connection.
    bulk = {"action": "reassign", "ids": [made["id"]], "to": to}
    (item,) = (await people.api.json("POST", "/schedules/bulk", 200, json=bulk))["items"]
    assert (item["outcome"], item["problem"]["status"]) == ("failed", status)
    assert [fault["field"] for fault in item["problem"].get("errors", [])] == ([field] if field else [])


async def test_nobody_but_an_admin_gives_schedules_away(people: People) -> None:
    me, heir = await _granted(people), await people.person("heir", Role.CREATOR)
    made = await me.json("POST", "/schedules/", 201, json=SCHEDULE)
    bulk = {"action": "reassign", "ids": [made["id"]], "to": me.id}
    (item,) = (await me.json("POST", "/schedules/bulk", 200, json=bulk))["items"]
    assert item["problem"]["status"] == 403
    bulk["to"] = heir.id  # Of no team of mine: as if there were nobody.
    (item,) = (await me.json("POST", "/schedules/bulk", 200, json=bulk))["items"]
    assert item["problem"]["status"] == 422
    assert (await me.json("GET", f"/schedules/{made['id']}", 200))["owner"] == me.id


async def test_the_user_of_the_installations_own_key_stays_an_admin(people: People) -> None:
    api = people.api
    (owner,) = [u for u in (await api.json("GET", "/users", 200))["items"] if u["email"] == api.settings.owner_email]
    assert owner["role"] == "admin"
    body: dict[str, Any] = {"email": owner["email"], "name": "Owner", "role": "admin"}
    for change in ({"role": "creator"}, {"is_active": False}, {"email": "other@example.com"}):
        await api.json("PUT", f"/users/{owner['id']}", 409, json={**body, **change})
    await api.json("DELETE", f"/users/{owner['id']}", 409)
    await api.json("PUT", f"/users/{owner['id']}", 200, json={**body, "timezone": "Asia/Tokyo"})


async def test_users_and_teams_by_the_ids_of_another_product(people_of_either: People) -> None:
    api = people_of_either.api
    team = await api.json("POST", "/teams", 201, json={"name": "Sales", "external_id": "sales"})
    body: dict[str, Any] = {"email": "ada@example.com", "name": "Ada", "team": "ext:sales", "external_id": "u-1"}
    made = await api.json("POST", "/users", 201, json=body)
    assert made["team"] == team["id"]
    for twin in ({**body, "email": "other@example.com"}, {**body, "external_id": "u-2"}):
        await api.json("POST", "/users", 409, json=twin)
    await api.json("POST", "/teams", 409, json={"name": "Other", "external_id": "sales"})
    read = await api.http.get("/api/v1/users/ext:u-1")
    assert (read.json()["id"], read.headers["ETag"]) == (made["id"], made["etag"])
    await api.json("PUT", "/users/ext:u-1", 412, json=body, headers={"If-Match": '"old"'})
    changed = await api.json("PUT", "/users/ext:u-1", 200, json={**body, "name": "Ada L."})
    assert changed["etag"] != made["etag"]
    await api.json("DELETE", "/teams/ext:sales", 409)
    await api.json("PUT", "/users/ext:u-1", 422, json={**body, "team": "ext:nobody"})
    await api.json("PUT", "/users/ext:u-1", 200, json={**body, "team": None})
    await api.json("DELETE", "/teams/ext:sales", 204)
    await api.json("GET", "/teams/ext:sales", 404)
    actions = [(e["entity_type"], e["action"]) for e in (await api.json("GET", "/audit", 200))["items"]]
    assert actions == [
        ("access", "refused"),
        ("team", "deleted"),
        ("user", "changed"),
        ("user", "changed"),
        ("user", "created"),
        ("team", "created"),
    ]


WRONG: tuple[dict[str, Any], ...] = (
    {"email": "a b@example.com"},
    {"email": "a@b@c"},
    {"email": "a\n@example.com"},
    {"name": "a\u202eb"},
    {"role": "owner"},
    {"timezone": "Mars/Base"},
    {"external_id": "ext:1\n"},
    {"id": "mine"},
)


async def test_a_wrong_user_is_refused(people: People) -> None:
    for change in WRONG:
        (field,) = change
        body = {"email": "ada@example.com", "name": "Ada", **change}
        problem = await people.api.json("POST", "/users", 422, json=body)
        assert {fault["field"] for fault in problem["errors"]} == {field}


async def test_security_27_an_edit_asks_again(people: People) -> None:
    me = await _granted(people)
    made = await me.json("POST", "/schedules/", 201, json=SCHEDULE)
    mail = {"channel": "email", "connection": "corp-smtp", "to": ["ada@example.com"]}
    for method, body in (("PATCH", {"destinations": [mail]}), ("PUT", {**SCHEDULE, "destinations": [mail]})):
        problem = await me.json(method, f"/schedules/{made['id']}", 422, json=body)
        assert problem["errors"][0]["field"] == "destinations.0.connection"
        theirs = await people.api.json(method, f"/schedules/{made['id']}", 422, json=body)
        assert theirs["errors"][0]["field"] == "destinations.0.connection"
    await people.api.json("PUT", "/connections/shared/grants", 200, json={})
    await me.json("PATCH", f"/schedules/{made['id']}", 422, json={"name": "Other"})


async def test_security_27_who_may_define_sql_and_shell_reports(people: People, report_body: dict[str, Any]) -> None:
    api = people.api
    for name in ("warehouse", "shared"):
        await api.json("PUT", f"/connections/{name}/grants", 200, json={"roles": ["creator"]})
    me = await people.person("me", Role.CREATOR)
    body = {**report_body, "id": "mine"}
    await me.json("POST", "/reports", 403, json=body)
    user = {"email": me.email, "name": "Me", "role": "creator"}
    await api.json("PUT", f"/users/{me.id}", 200, json={**user, "grants": ["report.define_sql"]})
    await me.json("POST", "/reports", 201, json=body)
    mate = await people.person("mate", Role.CREATOR)
    await mate.json("GET", "/reports/mine", 404)
    await mate.json("POST", "/schedules/", 422, json={**SCHEDULE, "report_id": "mine"})
    await me.json("POST", "/schedules/", 201, json={**SCHEDULE, "report_id": "mine"})
    await me.json("PUT", "/reports/orders", 403, json={**report_body, "id": "orders"})
    shell = {**body, "source": {"kind": "shell", "connection": "warehouse", "command": "export", "queries": ["orders"]}}
    assert (await me.http.put("/api/v1/reports/mine", json=shell)).status_code in (403, 422)
    await api.json("PUT", f"/users/{me.id}", 200, json=user)
    await me.json("PUT", "/reports/mine", 403, json=body)


async def test_a_share_can_be_made_and_taken_back(people: People) -> None:
    team = await people.team("ours")
    me = await _granted(people)
    await people.api.json(
        "PUT", f"/users/{me.id}", 200, json={"email": me.email, "name": "Me", "role": "creator", "team": team}
    )
    mate = await people.person("mate", Role.VIEWER, team=team)
    stranger = await people.person("stranger", Role.CREATOR)
    made = await me.json("POST", "/schedules/", 201, json=SCHEDULE)
    path = f"/schedules/{made['id']}"
    await mate.json("GET", path, 404)
    assert (await me.json("PUT", f"{path}/shares", 200, json={"teams": [team]}))["teams"] == [team]
    await mate.json("GET", path, 200)
    await mate.json("GET", f"{path}/history", 200)
    await mate.json("GET", f"{path}/shares", 403)
    await stranger.json("GET", path, 404)
    problem = await me.json("PUT", f"{path}/shares", 422, json={"users": [mate.id, stranger.id]})
    assert [fault["field"] for fault in problem["errors"]] == ["users.1"]
    await me.json("PUT", f"{path}/shares", 200, json={})
    await mate.json("GET", path, 404)
    events = [e["detail"] for e in (await me.json("GET", f"/audit?entity_id={made['id']}", 200))["items"]]
    assert events[0] == {"subjects": [[f"team:{team}"], []]}


async def test_an_owner_who_never_had_the_role_is_found_by_resume(people: People) -> None:
    viewer = await people.person("viewer", Role.VIEWER)
    async with people.api.database.session() as session:
        row = schedule_of(viewer.id, report_id="orders", name="Old")
        session.add(row)
    await people.api.json("POST", f"/schedules/{row.id}/pause", 200)
    await people.api.json("POST", f"/schedules/{row.id}/resume", 409)
