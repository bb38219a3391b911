"""People who get reports: found, taken off schedules, never sent to again, erased; each sees what is theirs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import String, cast, func, or_, select

from mailroom.recipients.spec import is_erased
from mailroom.roles import Role
from mailroom.states import DeliveryState, ExecutionKind, ExecutionState
from mailroom.storage.database import new_id
from mailroom.storage.model.recipients import ScheduleRecipient
from mailroom.storage.model.upkeep.incidents import Alert, Incident
from mailroom.storage.tables import Attempt, Delivery, Execution, Notification, Schedule
from tests.integration.api.access.people import People, Person
from tests.integration.api.conftest import SCHEDULE
from tests.support.statements import recorded

if TYPE_CHECKING:
    from tests.integration.api.conftest import Api

ADA = "ada@example.com"


def _body(*to: str, name: str = "Orders", **more: Any) -> dict[str, Any]:
    mail = {"channel": "email", "connection": "corp-smtp", "to": list(to), **more}
    return {**SCHEDULE, "name": name, "destinations": [mail]}


async def _creator(people: People, name: str) -> Person:
    await people.api.json("PUT", "/connections/corp-smtp/grants", 200, json={"roles": ["creator"]})
    return await people.person(name, Role.CREATOR)


async def _sent(api: Api, schedule_id: str, recipient: str, state: ExecutionState = ExecutionState.PARTIAL) -> str:
    """Store an execution with a delivery to this recipient that failed, and all that is told of it."""
    now = datetime.now(UTC) - timedelta(hours=1)
    said = f"Not confirmed: {recipient}."
    execution = Execution(
        id=new_id(),
        schedule_id=schedule_id,
        kind=ExecutionKind.RUN_NOW,
        due_at=now,
        status=state,
        created_at=now,
        reason=said,
        reason_code="not_all_delivered",
        reason_values={"delivered": 0, "total": 1, "states": ["failed"], "unconfirmed": [recipient]},
    )
    delivery = Delivery(
        id=new_id(),
        execution_id=execution.id,
        position=0,
        channel="email",
        connection="corp-smtp",
        recipient=recipient,
        key=new_id(),
        destination={"channel": "email", "connection": "corp-smtp", "to": [recipient, "bob@example.com"]},
        status=DeliveryState.FAILED,
        attempts=1,
        created_at=now,
        error_message=f"550 <{recipient}> unknown",
    )
    attempt = Attempt(delivery_id=delivery.id, number=1, started_at=now, ended_at=now, error_message=said)
    async with api.database.session() as session:
        schedule = await session.get(Schedule, schedule_id)
        assert schedule is not None
        note = Notification(user_id=schedule.user_id, at=now, severity="error", title="Orders", body=said)
        session.add_all([execution, note])
        await session.flush()
        session.add(delivery)
        await session.flush()
        session.add(attempt)
    return execution.id


async def test_24_each_finds_the_schedules_and_deliveries_that_they_may_see(people_of_either: People) -> None:
    people, api = people_of_either, people_of_either.api
    me, other = await _creator(people, "me"), await _creator(people, "other")
    mine = await me.json("POST", "/schedules/", 201, json=_body("Ada@Example.com", "bob@example.com"))
    theirs = await other.json("POST", "/schedules/", 201, json=_body("eve@example.com", cc=[ADA]))
    deleted = await me.json("POST", "/schedules/", 201, json=_body(ADA, name="Deleted"))
    await me.json("DELETE", f"/schedules/{deleted['id']}", 204)
    executions = [await _sent(api, mine["id"], "Ada@example.com"), await _sent(api, theirs["id"], ADA)]
    for who, schedules, sent in (
        (me, {mine["id"]}, executions[:1]),
        (other, {theirs["id"]}, executions[1:]),
        (None, {mine["id"], theirs["id"]}, executions),
    ):
        found = await (who or api).json("GET", "/recipients/ADA@example.com", 200)
        assert found["address"] == ADA
        assert {one["id"] for one in found["schedules"]["items"]} == schedules
        assert {one["execution_id"] for one in found["deliveries"]["items"]} == set(sent)
    nobody = await me.json("GET", "/recipients/nobody@example.com", 200)
    assert (nobody["schedules"]["items"], nobody["deliveries"]["items"], nobody["suppression"]) == ([], [], None)
    problem = await me.json("GET", "/recipients/nobody", 422)
    assert [fault["field"] for fault in problem["errors"]] == ["address"]


async def test_both_lists_are_paged(people: People) -> None:
    api = people.api
    names = [f"Orders {number}" for number in range(5)]
    for name in names:
        made = await api.json("POST", "/schedules/", 201, json=_body(ADA, name=name))
        await _sent(api, made["id"], ADA)
    schedules: list[str] = []
    sent: list[str] = []
    query = ""
    while True:
        found = await api.json("GET", f"/recipients/{ADA}?limit=2{query}", 200)
        schedules += [one["name"] for one in found["schedules"]["items"]]
        sent += [one["id"] for one in found["deliveries"]["items"]]
        following = (found["schedules"]["next_cursor"], found["deliveries"]["next_cursor"])
        if None in following:
            break
        query = f"&schedules_cursor={following[0]}&deliveries_cursor={following[1]}"
    assert schedules == names
    assert len(set(sent)) == len(names)


async def test_no_query_in_a_loop_and_an_index_for_each(people: People) -> None:
    api = people.api

    async def once() -> int:
        with recorded(api.database) as recorder:
            await api.json("GET", f"/recipients/{ADA}", 200)
        return recorder.statements

    async def statements() -> int:
        # The least of some: a loop in the background may ask something meanwhile.
        return min([await once() for _ in range(3)])

    made = await api.json("POST", "/schedules/", 201, json=_body(ADA))
    await _sent(api, made["id"], ADA)
    few = await statements()
    for number in range(5):
        made = await api.json("POST", "/schedules/", 201, json=_body(ADA, name=f"Orders {number}"))
        await _sent(api, made["id"], ADA)
    assert await statements() == few
    queries = {
        "ix_deliveries_person": select(Delivery.id)
        .where(func.lower(Delivery.recipient) == ADA)
        .order_by(Delivery.created_at.desc(), Delivery.id.desc()),
        "sqlite_autoindex_schedule_recipients": select(ScheduleRecipient.schedule_id).where(
            ScheduleRecipient.address == ADA
        ),
    }
    async with api.database.session() as session:
        connection = await session.connection()
        for index, query in queries.items():
            text = str(query.compile(connection.sync_connection, compile_kwargs={"literal_binds": True}))
            plan = str((await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}")).all())
            assert index in plan, plan
            assert "TEMP B-TREE" not in plan, plan


async def test_a_person_is_taken_off_every_schedule_that_the_caller_may_change(people_of_either: People) -> None:
    people, api = people_of_either, people_of_either.api
    me, other = await _creator(people, "me"), await _creator(people, "other")
    with_others = (await me.json("POST", "/schedules/", 201, json=_body("Ada@example.com", "bob@example.com")))["id"]
    alone = (await me.json("POST", "/schedules/", 201, json=_body(ADA, name="Alone")))["id"]
    paused = (await me.json("POST", "/schedules/", 201, json=_body(ADA, name="Paused")))["id"]
    await me.json("POST", f"/schedules/{paused}/pause", 200)
    shared = (await other.json("POST", "/schedules/", 201, json=_body(ADA, name="Shared")))["id"]
    await api.json("PUT", f"/schedules/{shared}/shares", 200, json={"users": [me.id]})
    hidden = (await other.json("POST", "/schedules/", 201, json=_body(ADA, "bob@example.com", name="Hidden")))["id"]

    done = await me.json("DELETE", f"/recipients/{ADA}", 200)
    assert {one["id"]: one["removal"] for one in done["changed"]} == {with_others: "changed", alone: "paused"}
    assert {one["id"] for one in done["left_alone"]} == {paused, shared}
    assert all(one["message"] for one in done["left_alone"])
    left = await me.json("GET", f"/schedules/{with_others}", 200)
    assert left["destinations"][0]["to"] == ["bob@example.com"]
    assert (await me.json("GET", f"/schedules/{alone}", 200))["state"] == "paused"
    notes = [n for n in (await me.json("GET", "/notifications", 200))["items"] if n["schedule_id"] == alone]
    assert [note["severity"] for note in notes] == ["warning"]
    event = (await me.json("GET", f"/audit?entity_id={with_others}", 200))["items"][0]
    assert (event["action"], event["actor"]) == ("changed", me.email)
    assert (await other.json("GET", f"/schedules/{hidden}", 200))["destinations"][0]["to"] == [ADA, "bob@example.com"]
    found = await me.json("GET", f"/recipients/{ADA}", 200)
    assert {one["id"] for one in found["schedules"]["items"]} == {alone, paused, shared}
    again = await me.json("DELETE", f"/recipients/{ADA}", 200)
    assert again["changed"] == []


async def test_a_person_is_taken_off_schedules_whose_deletion_can_be_undone(people_of_either: People) -> None:
    people, api = people_of_either, people_of_either.api
    me = await _creator(people, "me")
    with_others = (await me.json("POST", "/schedules/", 201, json=_body(ADA, "bob@example.com")))["id"]
    alone = (await me.json("POST", "/schedules/", 201, json=_body(ADA, name="Alone")))["id"]
    gone = (await me.json("POST", "/schedules/", 201, json=_body(ADA, name="Gone")))["id"]
    for one in (with_others, alone, gone):
        await me.json("DELETE", f"/schedules/{one}", 204)
    async with api.database.session() as session:
        row = await session.get(Schedule, gone)
        assert row is not None
        row.delete_after = None

    done = await me.json("DELETE", f"/recipients/{ADA}", 200)
    assert {one["id"]: one["removal"] for one in done["changed"]} == {with_others: "changed", alone: "gone"}
    assert done["left_alone"] == []
    back = await me.json("POST", f"/schedules/{with_others}/undelete", 200)
    assert (back["state"], back["destinations"][0]["to"]) == ("active", ["bob@example.com"])
    await me.json("POST", f"/schedules/{alone}/undelete", 404)
    assert (await me.json("DELETE", f"/recipients/{ADA}", 200))["changed"] == []


async def test_a_suppressed_address_is_refused_when_it_is_saved_and_by_a_trial(people_of_either: People) -> None:
    people, api = people_of_either, people_of_either.api
    me = await _creator(people, "me")
    before = (await me.json("POST", "/schedules/", 201, json=_body(ADA, "bob@other.example", "eve@other.example")))[
        "id"
    ]
    made = await api.json("POST", "/suppressions", 200, json={"address": "ADA@example.com", "reason": "She asked."})
    assert (made["address"], made["created_by"]) == (ADA, api.settings.owner_email)
    twice = await api.json("POST", "/suppressions", 200, json={"address": ADA, "reason": "Another."})
    assert twice == made
    for method, path, body in (
        ("POST", "/schedules/", _body("x@example.com", bcc=["Ada@Example.com"])),
        ("PUT", f"/schedules/{before}", _body(ADA)),
        ("PATCH", f"/schedules/{before}", {"name": "Other"}),
    ):
        problem = await me.json(method, path, 422, json=body)
        assert [fault["field"] for fault in problem["errors"]] == ["destinations.0"]
        assert "example.com" in problem["errors"][0]["message"]
    problem = await me.json(
        "POST", "/distribution/test/email", 422, json={"connection": "corp-smtp", "to": "Ada@example.com"}
    )
    assert [fault["field"] for fault in problem["errors"]] == ["to"]
    # Taking somebody else off is no reason to ask about those who stay.
    done = await me.json("DELETE", "/recipients/bob@other.example", 200)
    assert [one["removal"] for one in done["changed"]] == ["changed"]
    assert (await me.json("GET", f"/recipients/{ADA}", 200))["suppression"] is None, "the list is an admin's"
    assert (await api.json("GET", f"/recipients/{ADA}", 200))["suppression"] == made
    await me.json("GET", "/suppressions", 403)
    changed = await api.json("PUT", f"/suppressions/{made['id']}", 200, json={"reason": "By letter."})
    assert changed == {**made, "reason": "By letter."}
    assert (await api.json("GET", "/suppressions", 200))["items"] == [changed]
    await api.json("DELETE", f"/suppressions/{made['id']}", 204)
    await api.json("DELETE", f"/suppressions/{made['id']}", 404)
    await me.json("PATCH", f"/schedules/{before}", 200, json={"name": "Other"})
    actions = [e["action"] for e in (await api.json("GET", f"/audit?entity_id={made['id']}", 200))["items"]]
    assert actions == ["refused", "removed", "changed", "added"], "the second DELETE was refused"


async def test_a_whole_domain_is_suppressed_without_its_subdomains(people: People) -> None:
    api = people.api
    await api.json("POST", "/suppressions", 200, json={"address": "@Example.com", "reason": "Sold."})
    await api.json("POST", "/schedules/", 422, json=_body("anybody@EXAMPLE.com"))
    await api.json("POST", "/schedules/", 201, json=_body("ada@mail.example.com"))
    assert (await api.json("GET", f"/recipients/{ADA}", 200))["suppression"]["address"] == "@example.com"


async def test_an_erased_address_is_found_in_no_text_and_every_count_stays(people_of_either: People) -> None:
    people, api = people_of_either, people_of_either.api
    me = await _creator(people, "me")
    live = (await me.json("POST", "/schedules/", 201, json=_body("Ada@example.com", "bob@example.com")))["id"]
    old = (await me.json("POST", "/schedules/", 201, json=_body(ADA, "x.ada@example.com", name=f"For {ADA}")))["id"]
    await me.json("DELETE", f"/schedules/{old}", 204)
    for schedule in (live, old):
        await _sent(api, schedule, "Ada@example.com")
    going = await _sent(api, live, ADA, ExecutionState.RETRYING)
    await me.json("POST", f"/recipients/{ADA}/erase", 403)
    problem = await api.json("POST", f"/recipients/{ADA}/erase", 409)
    assert "DELETE" in problem["remedy"]
    await me.json("DELETE", f"/recipients/{ADA}", 200)
    assert going in (await api.json("POST", f"/recipients/{ADA}/erase", 409))["detail"]
    async with api.database.session() as session:
        row = await session.get(Execution, going)
        assert row is not None
        row.status = ExecutionState.FAILED
        trouble = {"kind": "disk_low", "subject": "data", "severity": "error", "level": "operator"}
        now = datetime.now(UTC)
        went_wrong = Incident(**trouble, opened_at=now, last_seen_at=now, values={"why": f"No room for {ADA}."})
        session.add(went_wrong)
        await session.flush()
        told = {"incident_id": went_wrong.id, "stage": "opened", "level": "operator", "created_at": now}
        for route, target, why in (("mail", "Ada@example.com", ""), ("webhook", "operators", f"<{ADA}> is unknown")):
            session.add(Alert(**told, route=route, target=target, state="failed", error=why))
    before = await api.json("GET", "/deliveries", 200)

    done = await api.json("POST", "/recipients/ADA@example.com/erase", 200)
    assert is_erased(done["pseudonym"])
    assert done["not_reached"]
    tables = {"deliveries": 3, "attempts": 3, "schedule_executions": 3, "notifications": 3, "export_schedules": 1}
    tables |= {"alerts": 2, "incidents": 1}
    assert done["replaced"] == tables
    async with api.database.session() as session:
        for table in (Delivery, Attempt, Execution, Notification, Schedule, ScheduleRecipient, Alert, Incident):
            columns = [cast(column, String) for column in table.__table__.columns]
            found = or_(*(func.lower(column).like(f"%{ADA}%") for column in columns))
            rows = (await session.execute(select(*columns).where(found))).all()
            assert all("x.ada@example.com" in str(row) for row in rows), rows
    after = await api.json("GET", "/deliveries", 200)
    assert [one["id"] for one in after["items"]] == [one["id"] for one in before["items"]]
    assert [one["status"] for one in after["items"]] == [one["status"] for one in before["items"]]
    assert all(is_erased(one["recipient"]) for one in after["items"])
    detail = await api.json("GET", f"/executions/{going}", 200)
    assert ADA not in str(detail).lower()
    again = await api.json("POST", f"/recipients/{ADA}/erase", 200)
    assert (again["pseudonym"], set(again["replaced"].values())) == (done["pseudonym"], {0})
    (event,) = (await api.json("GET", f"/audit?entity_type=recipient&entity_id={done['pseudonym']}", 200))["items"][1:]
    assert (event["action"], event["detail"]["replaced"]) == ("erased", tables)


async def test_without_a_secret_nothing_is_erased(people: People) -> None:
    settings = people.api.settings.model_copy(update={"key_pepper": type(people.api.settings.key_pepper)("")})
    object.__setattr__(people.api.app.state.services, "settings", settings)
    problem = await people.api.json("POST", f"/recipients/{ADA}/erase", 422)
    assert "MAILROOM_KEY_PEPPER" in problem["remedy"]


@pytest.mark.parametrize("role", [Role.VIEWER, Role.CREATOR])
async def test_23_only_admins_keep_the_list(people: People, role: Role) -> None:
    made = await people.api.json("POST", "/suppressions", 200, json={"address": ADA, "reason": "She asked."})
    me = await people.person("me", role)
    await me.json("POST", "/suppressions", 403, json={"address": "bob@example.com", "reason": "x"})
    await me.json("PUT", f"/suppressions/{made['id']}", 403, json={"reason": "x"})
    await me.json("DELETE", f"/suppressions/{made['id']}", 403)
    assert (await people.api.json("GET", "/suppressions", 200))["items"] == [made]
