"""Preferences are everybody's own; log-ins elsewhere can be ended; who leaves hands schedules over."""

from __future__ import annotations

from datetime import UTC, datetime

from api.actions.caller import Caller
from api.actions.users import leaving, overview
from api.actions.users.overview import MemberFilter
from mailroom.access.permissions import Relation
from mailroom.context import Context
from mailroom.roles import Role
from mailroom.states import ScheduleState
from mailroom.storage.tables import User
from tests.integration.api.access.belongings import world
from tests.integration.api.access.people import People, Person


async def test_preferences_are_ones_own(people_of_either: People) -> None:
    people = people_of_either
    reader = await people.person("reader", Role.VIEWER, team=await people.team("ours"))
    other = await people.person("other", Role.CREATOR, team="ext:ours")
    assert (await reader.json("GET", "/users/me", 200))["id"] == reader.id
    assert (await reader.json("GET", "/users/me", 200))["preferences"]["theme"] == "auto"
    body = {"theme": "dark", "timezone": "Asia/Tokyo", "locale": "ja-JP"}
    changed = await reader.json("PATCH", "/users/me/preferences", 200, json=body)
    assert changed["timezone"] == "Asia/Tokyo"
    chosen = {"locale": "ja-JP", "hours": "24", "theme": "dark", "density": "comfortable", "alerts": {}}
    assert changed["preferences"] == chosen
    again = await reader.json("PATCH", f"/users/{reader.id}/preferences", 200, json={"hours": "12"})
    assert again["preferences"]["theme"] == "dark", "what is left out stays"
    for wrong in ({"theme": "pink"}, {"timezone": "Nowhere"}, {"locale": "<b>"}, {"role": "admin"}):
        await reader.json("PATCH", "/users/me/preferences", 422, json=wrong)
    # An admin makes users, and does not choose how they see pages.
    await people.api.json("PATCH", f"/users/{reader.id}/preferences", 403, json={"theme": "dark"})
    await reader.json("PATCH", f"/users/{other.id}/preferences", 404, json={"theme": "dark"})
    told = (await people.api.json("GET", f"/audit?entity_id={reader.id}&action=changed", 200))["items"]
    assert [one["detail"]["changes"].keys() for one in told] == [{"hours"}, {"theme", "timezone", "locale"}]
    assert (await people.api.json("GET", f"/users/{reader.id}", 200))["role"] == "viewer"


async def _caller(people: People, person: Person) -> Caller:
    services = people.api.app.state.services
    async with people.api.database.session() as session:
        user = await session.get(User, person.id)
        assert user is not None

        return Caller(services, Context(user, datetime.now(UTC), people.api.settings))


async def test_an_admin_sees_what_users_own(people_of_either: People) -> None:
    people = people_of_either
    made = await world(people, Role.CREATOR)
    boss = await _caller(people, await people.person("boss", Role.ADMIN))
    found = await overview.page(boss, MemberFilter(search="MATE"), cursor=None, limit=50)
    assert [(one.user.name, one.owns) for one in found.items] == [("mate", 2)]
    assert found.items[0].last_log_in is not None
    assert (await overview.page(boss, MemberFilter(role=Role.VIEWER), cursor=None, limit=50)).items == []
    active = await overview.page(boss, MemberFilter(active=False), cursor=None, limit=50)
    assert active.items == []
    mine = await overview.page(await _caller(people, made.me), MemberFilter(), cursor=None, limit=50)
    assert [(one.user.name, one.owns) for one in mine.items] == [("mate", 1), ("me", 1)], "one that is shared, and own"
    assert next(one for one in mine.items if one.user.name == "mate").last_log_in is None


async def test_who_leaves_hands_schedules_over(people: People) -> None:
    await people.api.json("PUT", "/connections/shared/grants", 200, json={"roles": ["creator"]})
    made = await world(people, Role.CREATOR)
    boss = await _caller(people, await people.person("boss", Role.ADMIN))
    left = await leaving.disable(boss, made.me.id, hand_over_to=made.mate.id)
    assert left.user is not None
    assert (left.user.is_active, left.user.suspended, left.handed_over) == (False, [], 1)
    mine = made.ids["schedule", Relation.OWN]
    schedule = await people.api.json("GET", f"/schedules/{mine}", 200)
    assert schedule["owner"] == made.mate.id
    assert schedule["state"] == ScheduleState.ACTIVE
    # Nobody is disabled whose schedules the new owner may not have.
    viewer = await people.person("reader", Role.VIEWER)
    refused = await leaving.disable(boss, made.stranger.id, hand_over_to=viewer.id)
    assert (refused.user, refused.handed_over, len(refused.not_handed_over)) == (None, 0, 1)
    assert (await people.api.json("GET", f"/users/{made.stranger.id}", 200))["is_active"]
    plain = await leaving.disable(boss, made.stranger.id)
    assert plain.user is not None
    assert len(plain.user.suspended) == 1
