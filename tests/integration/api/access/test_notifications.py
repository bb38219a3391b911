"""Notifications: whose they are, what is told of changes by others, what is muted and what is not wanted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import insert, update

from mailroom.access.viewer import Viewer
from mailroom.notifications import repository as notifications
from mailroom.notifications.repository import MOST_COUNTED
from mailroom.notifications.schedule_events import Paused, Recovered
from mailroom.notifications.service import notify
from mailroom.notifications.unsent import of_viewer
from mailroom.roles import Role
from mailroom.storage.database import new_id
from mailroom.storage.model.upkeep.incidents import Alert, Incident
from mailroom.storage.tables import Notification, User
from tests.integration.api.access.belongings import MINE, OTHER, SHARED, TEAM, World, world
from tests.integration.api.access.people import People, Person
from tests.support.statements import recorded

NEXT_YEAR = f"{datetime.now(UTC) + timedelta(days=365):%FT%TZ}"


async def _told(person: Person, query: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await person.json("GET", f"/notifications?own=true{query}", 200))["items"]
    return found


async def _kinds(person: Person, schedule_id: str) -> list[str]:
    """Return the kinds of what somebody was told of a schedule since the beginning, oldest first."""
    told = await _told(person, f"&schedule_id={schedule_id}")
    return [one["kind"] for one in reversed(told) if one["kind"] != "other"]


async def _boss(made: World, people: People) -> Person:
    return await people.person("boss", Role.ADMIN)


async def test_each_marks_their_own_and_twice_is_the_same(people_of_either: People) -> None:
    made = await world(people_of_either, Role.CREATOR)
    own, seen, hidden = (made.ids["notification", one] for one in (MINE, SHARED, OTHER))
    first = await made.me.json("POST", f"/notifications/{own}/read", 200)
    again = await made.me.json("POST", f"/notifications/{own}/read", 200)
    assert first["read_at"] == again["read_at"] is not None
    assert await _told(made.me, "&unread=true") == []
    assert (await made.me.json("POST", f"/notifications/{own}/unread", 200))["read_at"] is None
    assert [one["id"] for one in await _told(made.me, "&unread=true")] == [own]
    await made.me.json("POST", f"/notifications/{seen}/read", 403)
    await made.me.json("POST", f"/notifications/{hidden}/read", 404)
    boss = await _boss(made, people_of_either)
    await boss.json("POST", f"/notifications/{own}/read", 403)
    assert (await boss.json("POST", "/notifications/read", 200, json={}))["marked"] == 0
    assert await _told(boss) == []
    assert {one["id"] for one in await _told(made.stranger, "&unread=true")} == {hidden}


async def test_all_are_marked_up_to_a_time_or_of_a_schedule(people_of_either: People) -> None:
    made = await world(people_of_either, Role.CREATOR)
    (first,) = await _told(made.me)
    later = datetime.fromisoformat(first["at"]) + timedelta(minutes=1)
    row = {"user_id": made.me.id, "severity": "info", "title": "Later", "body": "", "kind": "key_of_tomorrow"}
    async with made.api.database.session() as session:
        await session.execute(insert(Notification).values(id=new_id(), at=later, **row))
    marked = await made.me.json("POST", "/notifications/read", 200, json={"until": first["at"]})
    assert marked == {"marked": 1}
    assert [one["title"] for one in await _told(made.me, "&unread=true")] == ["Later"]
    elsewhere = {"schedule_id": made.ids["schedule", MINE]}
    assert (await made.me.json("POST", "/notifications/read", 200, json=elsewhere))["marked"] == 0
    assert (await made.me.json("POST", "/notifications/read", 200, json={}))["marked"] == 1
    assert len(await _told(made.me, "&kind=other")) == 1
    await made.me.json("GET", "/notifications?kind=no_kind", 422)


async def test_what_others_do_to_a_schedule_is_told_and_what_one_does_oneself_is_not(people_of_either: People) -> None:
    made = await world(people_of_either, Role.CREATOR)
    boss, mine = await _boss(made, people_of_either), made.ids["schedule", MINE]

    async def all_of_it(person: Person) -> None:
        merge = {"Content-Type": "application/merge-patch+json"}
        await person.json("POST", f"/schedules/{mine}/pause", 200)
        await person.json("POST", f"/schedules/{mine}/resume", 200)
        await person.json("PATCH", f"/schedules/{mine}", 200, json={"name": f"By {person.id}"}, headers=merge)
        await person.json("PATCH", f"/schedules/{mine}", 200, json={"name": f"By {person.id}"}, headers=merge)
        await person.json("DELETE", f"/schedules/{mine}", 204)
        await person.json("POST", f"/schedules/{mine}/undelete", 200)

    await people_of_either.api.json("PUT", "/connections/shared/grants", 200, json={"roles": ["creator"]})
    await people_of_either.api.json("PUT", "/connections/warehouse/grants", 200, json={"roles": ["creator"]})
    await all_of_it(made.me)
    assert await _kinds(made.me, mine) == []
    await all_of_it(boss)
    words = ("paused", "resumed", "changed", "deleted", "restored")
    assert sorted(await _kinds(made.me, mine)) == sorted(f"schedule_{word}" for word in words)
    assert await _told(boss) == []


async def test_whoever_gets_loses_or_may_see_a_schedule_is_told(people_of_either: People) -> None:
    made = await world(people_of_either, Role.CREATOR)
    boss, mine = await _boss(made, people_of_either), made.ids["schedule", MINE]
    await people_of_either.api.json("PUT", "/connections/shared/grants", 200, json={"roles": ["creator"]})
    body = {"users": [made.stranger.id], "teams": ["ext:ours"]}
    for _ in range(2):
        await boss.json("PUT", f"/schedules/{mine}/shares", 200, json=body)
    assert await _kinds(made.me, mine) == []
    assert await _kinds(made.mate, mine) == await _kinds(made.stranger, mine) == ["schedule_shared"]
    given = {"action": "reassign", "ids": [mine], "to": made.mate.id}
    done = await boss.json("POST", "/schedules/bulk", 200, json=given)
    assert done["done"] == 1, done
    assert await _kinds(made.mate, mine) == ["schedule_shared", "schedule_reassigned"]
    assert await _kinds(made.me, mine) == ["schedule_reassigned"]


async def test_a_muted_schedule_is_kept_as_read_until_the_time_is_over(people_of_either: People) -> None:
    made = await world(people_of_either, Role.CREATOR)
    mine, now = made.ids["schedule", MINE], datetime.now(UTC)
    wanted = {"schedule_id": mine, "until": NEXT_YEAR}
    await made.me.json("POST", "/notifications/mutes", 201, json={"schedule_id": mine})
    muted = await made.me.json("POST", "/notifications/mutes", 201, json=wanted)
    assert (await made.me.json("GET", "/notifications/mutes", 200))["items"] == [muted]
    assert (await made.mate.json("GET", "/notifications/mutes", 200))["items"] == []
    event = Paused(made.me.id, mine, "Orders", "Ada")
    days = (0, 400)
    async with made.api.database.session() as session:
        for number in days:
            await notify(session, [event], at=now + timedelta(days=number))
    later, sooner = await _told(made.me, "&kind=schedule_paused")
    assert (later["read_at"], sooner["read_at"]) == (None, sooner["at"])
    for _ in range(2):
        await made.me.json("DELETE", f"/notifications/mutes/{mine}", 204)
    assert (await made.me.json("GET", "/notifications/mutes", 200))["items"] == []
    hidden = {"schedule_id": made.ids["schedule", TEAM]}
    await made.me.json("POST", "/notifications/mutes", 404, json=hidden)
    past = {"schedule_id": mine, "until": "2026-01-01T00:00:00Z"}
    await made.me.json("POST", "/notifications/mutes", 422, json=past)


async def test_what_is_not_wanted_is_not_told_here(people_of_either: People) -> None:
    made = await world(people_of_either, Role.VIEWER)
    media = {"Content-Type": "application/merge-patch+json"}

    async def choose(alerts: dict[str, Any], status: int = 200) -> Any:
        return await made.me.json("PATCH", "/users/me/preferences", status, json={"alerts": alerts}, headers=media)

    await choose({"schedule_paused": {"in_app": False}})
    chosen = await choose({"schedule_failing": {"mail": False}})
    assert chosen["preferences"]["alerts"] == {
        "schedule_paused": {"in_app": False},
        "schedule_failing": {"mail": False},
    }
    await choose({"schedule_paused": {"mail": True}}, 422)
    await choose({"schedule_failing": {"webhook": False}}, 422)
    await choose({"no_such_kind": {"in_app": False}}, 422)
    event = Paused(made.me.id, made.ids["schedule", MINE], "Orders", "Ada")
    async with made.api.database.session() as session:
        with recorded(made.api.database) as recorder:
            await notify(session, [event, Paused(made.mate.id, *("s", "Orders", "Ada"))], at=datetime.now(UTC))
        assert recorder.statements == 1, "one question for all, whoever is told"
        await notify(session, [Paused(made.mate.id, "s", "Orders", "Ada")], at=datetime.now(UTC), by=made.mate.id)
        await session.execute(update(User).where(User.id == made.me.id).values(timezone="Asia/Tokyo"))
        due = Recovered(made.me.id, made.ids["schedule", MINE], "Orders", new_id(), datetime(2026, 11, 30, tzinfo=UTC))
        await notify(session, [due], at=datetime.now(UTC))
    assert await _told(made.me, "&kind=schedule_paused") == []
    assert len(await _told(made.mate, "&kind=schedule_paused")) == 1
    (told,) = await _told(made.me, "&kind=schedule_recovered")
    assert "09:00" in told["body"], "times are those of the reader's own clocks"


async def test_the_bell_counts_by_an_index_and_no_further_than_it_shows(people: People) -> None:
    made = await world(people, Role.VIEWER)
    row = {"user_id": made.me.id, "at": datetime.now(UTC), "kind": "other", "severity": "info", "title": "", "body": ""}
    viewer = Viewer(made.me.id)
    async with made.api.database.session() as session:
        await session.execute(insert(Notification), [{**row, "id": new_id()} for _ in range(MOST_COUNTED + 20)])
        assert await notifications.unread(session, viewer=viewer) == MOST_COUNTED
        connection = await session.connection()
        text = (
            "EXPLAIN QUERY PLAN SELECT count(*) FROM (SELECT at FROM notifications "
            f"WHERE user_id = '{made.me.id}' AND read_at IS NULL LIMIT {MOST_COUNTED})"
        )
        plan = str((await connection.exec_driver_sql(text)).all())
        assert "COVERING INDEX ix_notifications_user_id_read_at_at" in plan, plan
        await session.execute(update(Notification).values(read_at=row["at"]))
        assert await notifications.unread(session, viewer=viewer) == 0


async def test_routes_that_failed_are_told_to_whom_they_were_for(people_of_either: People) -> None:
    made, now = await world(people_of_either, Role.VIEWER), datetime.now(UTC)
    incident = Incident(id=new_id(), kind="disk_low", subject="data", severity="error", level="operator", values={})
    incident.opened_at = incident.last_seen_at = now
    async with made.api.database.session() as session:
        session.add(incident)
        await session.flush()
        for number, (target, state, error) in enumerate(
            [
                (made.me.email, "failed", "first"),
                (made.me.email, "failed", "then"),
                (made.me.email, "sent", ""),
                (made.mate.email, "failed", "refused"),
            ]
        ):
            alert = Alert(incident_id=incident.id, stage=f"stage {number}", level="owner", route="mail", target=target)
            alert.state, alert.error, alert.created_at = state, error, now - timedelta(minutes=9 - number)
            session.add(alert)
        await session.flush()
        (mine,) = await of_viewer(session, Viewer(made.me.id), now=now)
        assert (mine.target, mine.count, mine.why) == (made.me.email, 2, "then")
        every = await of_viewer(session, Viewer("boss", Role.ADMIN), now=now)
        assert [one.target for one in every] == [made.mate.email, made.me.email]
        assert await of_viewer(session, Viewer(made.stranger.id), now=now) == []
        assert await of_viewer(session, Viewer(made.me.id), now=now + timedelta(days=8)) == []


async def test_a_key_that_an_admin_ends_is_told_to_its_owner(people: People) -> None:
    made = await world(people, Role.VIEWER)
    boss = await _boss(made, people)
    await boss.json("DELETE", f"/keys/{made.ids['key', MINE]}", 204)
    (told,) = await _told(made.me, "&kind=credential_ending")
    assert (told["severity"], told["schedule_id"]) == ("warning", None)
    assert await _told(boss) == []
