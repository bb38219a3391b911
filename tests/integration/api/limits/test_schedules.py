"""How many schedules a user may have, by every way that gives a user one."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from mailroom.roles import Role
from mailroom.states import ScheduleState
from mailroom.storage.tables import Schedule, User
from tests.integration.api.access.belongings import schedule_of
from tests.integration.api.access.people import People, Person
from tests.integration.api.conftest import SCHEDULE
from tests.integration.api.limits.conftest import creator, refused

LATER = {"frequency": "once", "at": "2099-01-01T09:00", "timezone": "UTC"}


async def _have(people: People, owner: Person, count: int, **columns: Any) -> list[str]:
    """Store schedules of an owner, as they were before a limit was lowered."""
    rows = [schedule_of(owner.id, report_id="orders", name=f"S{number}") for number in range(count)]
    async with people.api.database.session() as session:
        for row in rows:
            for name, value in columns.items():
                setattr(row, name, value)
        session.add_all(rows)
    return [row.id for row in rows]


async def _count(people: People, owner: Person) -> int:
    query = select(func.count()).where(
        Schedule.user_id == owner.id, Schedule.state.not_in([ScheduleState.DELETED, ScheduleState.FINISHED])
    )
    async with people.api.database.session() as session:
        return (await session.scalars(query)).one()


async def test_20_creations_at_once_leave_ten_of_nine(people_of_either: People) -> None:
    people = people_of_either
    ada = await creator(people)
    await _have(people, ada, 9)
    asked = (ada.http.post("/api/v1/schedules/", json={**SCHEDULE, "name": f"New {n}"}) for n in range(20))
    answers = await asyncio.gather(*asked)
    assert sorted(answer.status_code for answer in answers) == [201, *[409] * 19]
    assert await _count(people, ada) == 10


async def test_a_refusal_tells_the_limit_the_use_and_whom_to_ask(people: People) -> None:
    ada = await creator(people)
    ids = await _have(people, ada, 10)
    problem = await ada.json("POST", "/schedules/", 409, json=SCHEDULE)
    assert refused(problem) == ("schedules", 10, 10)
    assert problem["type"] == "/problems/limit-reached"
    await ada.json("DELETE", f"/schedules/{ids[0]}", 204)
    await ada.json("POST", "/schedules/", 201, json=SCHEDULE)
    # There is no room for the deleted one any more.
    assert refused(await ada.json("POST", f"/schedules/{ids[0]}/undelete", 409)) == ("schedules", 10, 10)
    assert await _count(people, ada) == 10


async def test_admins_have_as_many_as_they_like(people: People) -> None:
    (owner,) = (await people.api.json("GET", "/users", 200))["items"]
    await _have(people, Person(owner["id"], owner["email"], "", "", people.api.http), 12)
    await people.api.json("POST", "/schedules/", 201, json=SCHEDULE)


async def test_those_that_are_given_to_a_user_count_too(people: People) -> None:
    ada, heir = await creator(people), await creator(people, "heir")
    ids = await _have(people, ada, 5)
    await _have(people, heir, 8)
    bulk = {"action": "reassign", "ids": ids, "to": heir.id}
    dry = await people.api.json("POST", "/schedules/bulk", 200, json={**bulk, "dry_run": True})
    done = await people.api.json("POST", "/schedules/bulk", 200, json=bulk)
    for answer in (dry, done):
        assert [item["outcome"] for item in answer["items"]] == ["done", "done", "failed", "failed", "failed"]
        assert refused(answer["items"][2]["problem"]) == ("schedules", 10, 10)
    assert await _count(people, heir) == 10


async def test_schedules_given_away_at_once_do_not_pass_the_limit(people_of_either: People) -> None:
    people = people_of_either
    ada, heir = await creator(people), await creator(people, "heir")
    ids = await _have(people, ada, 6)
    await _have(people, heir, 9)
    bulks = [{"action": "reassign", "ids": [one], "to": heir.id} for one in ids]
    post = people.api.http.post
    new = [heir.http.post("/api/v1/schedules/", json=SCHEDULE) for _ in range(3)]
    await asyncio.gather(*new, *(post("/api/v1/schedules/bulk", json=bulk) for bulk in bulks))
    assert await _count(people, heir) == 10


async def test_a_finished_schedule_that_begins_again_counts(people: People) -> None:
    ada = await creator(people)
    (finished,) = await _have(people, ada, 1, state=ScheduleState.FINISHED, is_active=False)
    ids = await _have(people, ada, 10)
    for method, body in (("PUT", {**SCHEDULE, "timing": LATER}), ("PATCH", {"timing": LATER})):
        problem = await ada.json(method, f"/schedules/{finished}", 409, json=body)
        assert refused(problem) == ("schedules", 10, 10)
    await ada.json("DELETE", f"/schedules/{ids[0]}", 204)
    path = f"/schedules/{finished}"
    answers = await asyncio.gather(
        ada.http.put(f"/api/v1{path}", json={**SCHEDULE, "timing": LATER}),
        *(ada.http.post("/api/v1/schedules/", json=SCHEDULE) for _ in range(3)),
    )
    assert sum(answer.is_success for answer in answers) == 1
    assert await _count(people, ada) == 10


async def test_what_was_there_before_a_limit_was_lowered_goes_on_and_is_listed(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await creator(people)
    hourly = {"frequency": "cron", "expression": "*/30 8-9 * * *", "timezone": "UTC"}
    many = {"channel": "email", "connection": "corp-smtp", "to": [f"p{n}@example.com" for n in range(60)]}
    config = {"formats": ["csv"], "destinations": [many]}
    (above,) = await _have(people, ada, 1, schedule_config=hourly, distribution_config=config, name="Above")
    await _have(people, ada, 11)
    path = f"/schedules/{above}"
    await ada.json("POST", f"{path}/pause", 200)
    await ada.json("POST", f"{path}/resume", 200)
    renamed = await ada.json("PATCH", path, 200, json={"name": "Renamed"})
    assert (renamed["state"], len(renamed["destinations"][0]["to"])) == ("active", 60)
    more = {"destinations": [{**many, "to": [*many["to"], "new@example.com"]}]}
    assert refused(await ada.json("PATCH", path, 422, json=more)) == ("recipients", 50, 61)
    often = {"timing": {**hourly, "expression": "*/20 8-9 * * *"}}
    assert refused(await ada.json("PATCH", path, 422, json=often)) == ("interval_seconds", 3600, 1200)
    await ada.json("PATCH", path, 200, json={"destinations": [{**many, "to": many["to"][:55]}]})
    found = await ada.json("GET", "/limits", 200)
    assert found["limits"][0] == {"name": "schedules", "limit": 10, "used": 12}
    (listed,) = found["above"]
    assert listed["schedule_id"] == above
    assert {one["name"]: (one["limit"], one["used"]) for one in listed["limits"]} == {
        "recipients": (50, 55),
        "interval_seconds": (3600, 1800),
    }
    assert found["above_complete"]


async def test_the_preview_refuses_what_saving_refuses(people: People) -> None:
    ada = await creator(people)
    mail = {"channel": "email", "connection": "corp-smtp", "to": ["ada@evil.net"]}
    for change, limit in (
        ({"destinations": [mail]}, "recipient_domains"),
        ({"destinations": [{**mail, "to": [f"p{n}@example.com" for n in range(51)]}]}, "recipients"),
        ({"timing": {"frequency": "cron", "expression": "*/5 * * * *", "timezone": "UTC"}}, "interval_seconds"),
    ):
        for path, body in (
            ("/schedules/", {**SCHEDULE, **change}),
            ("/schedules/preview", {"timing": SCHEDULE["timing"], **change}),
        ):
            problem = await ada.json("POST", path, 422, json=body)
            assert refused(problem)[0] == limit
            assert refused(problem["errors"][0])[0] == limit
    assert await _count(people, ada) == 0


async def test_limits_of_others_are_for_admins(people: People) -> None:
    ada, bob = await creator(people), await people.person("bob", Role.CREATOR)
    await _have(people, ada, 2)
    assert (await people.api.json("GET", "/limits?user=ext:ada", 200))["user"] == ada.id
    assert (await ada.json("GET", f"/limits?user={ada.id}", 200))["limits"][0]["used"] == 2
    await bob.json("GET", f"/limits?user={ada.id}", 404)
    team = await people.team("ours")
    for person in (ada, bob):
        body = {"email": person.email, "name": "X", "role": "creator", "team": team}
        await people.api.json("PUT", f"/users/{person.id}", 200, json=body)
    await bob.json("GET", f"/limits?user={ada.id}", 403)
    mine = await people.api.json("GET", "/limits", 200)
    assert {one["name"]: one["limit"] for one in mine["limits"]}["schedules"] == "unlimited"
    viewer = await people.person("viewer", Role.VIEWER)
    assert (await viewer.json("GET", "/limits", 200))["role"] == "viewer"


async def test_a_service_account_is_not_counted(people: People) -> None:
    ada = await creator(people)
    await _have(people, ada, 10)
    async with people.api.database.session() as session:
        row = await session.get(User, ada.id)
        assert row is not None
        row.is_service, row.updated_at = True, datetime.now(UTC) - timedelta(days=1)
    await ada.json("POST", "/schedules/", 201, json=SCHEDULE)
