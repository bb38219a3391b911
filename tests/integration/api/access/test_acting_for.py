"""An admin's key acts for a user: with the user's rights and no more, and the audit trail names both."""

from __future__ import annotations

from mailroom.roles import Role
from tests.integration.api.access.people import People
from tests.integration.api.conftest import SCHEDULE


async def test_what_is_done_for_a_user_is_the_users_and_names_both(people: People) -> None:
    await people.api.json("PUT", "/connections/shared/grants", 200, json={"roles": ["creator"]})
    admin = await people.person("admin", Role.ADMIN)
    ada = await people.person("ada", Role.CREATOR)
    for_ada = {"X-Act-For": "ext:ada"}
    made = await admin.json("POST", "/schedules/", 201, json=SCHEDULE, headers=for_ada)
    assert made["owner"] == ada.id
    (event,) = (await people.api.json("GET", f"/audit?entity_id={made['id']}", 200))["items"]
    assert (event["actor"], event["on_behalf_of"]) == (admin.email, ada.email)
    await ada.json("POST", f"/schedules/{made['id']}/pause", 200)
    event = (await people.api.json("GET", f"/audit?entity_id={made['id']}", 200))["items"][0]
    assert (event["actor"], event["on_behalf_of"]) == (ada.email, None)


async def test_who_acts_for_a_user_has_the_users_rights_and_no_more(people: People) -> None:
    await people.person("viewer", Role.VIEWER)
    admin = await people.person("admin", Role.ADMIN)
    mine = await admin.json("POST", "/schedules/", 201, json=SCHEDULE)
    for_viewer = {"X-Act-For": "ext:viewer"}
    await admin.json("POST", "/schedules/", 403, json=SCHEDULE, headers=for_viewer)
    await admin.json("GET", f"/schedules/{mine['id']}", 404, headers=for_viewer)
    await admin.json("POST", "/teams", 403, json={"name": "New"}, headers=for_viewer)
    assert (await admin.json("GET", "/schedules/", 200, headers=for_viewer))["items"] == []


async def test_only_the_key_of_an_admin_acts_for_others(people: People) -> None:
    team = await people.team("ours")
    me = await people.person("me", Role.CREATOR, team=team)
    mate = await people.person("mate", Role.CREATOR, team=team)
    stranger = await people.person("stranger", Role.CREATOR)
    await me.json("GET", "/schedules/", 403, headers={"X-Act-For": mate.id})
    hidden = await me.json("GET", "/schedules/", 404, headers={"X-Act-For": stranger.id})
    missing = await me.json("GET", "/schedules/", 404, headers={"X-Act-For": "nobody"})
    assert hidden["detail"].replace(stranger.id, "nobody") == missing["detail"]
    await people.api.json("GET", "/schedules/", 404, headers={"X-Act-For": "ext:nobody"})
