"""The pages of audit, users, teams, keys and one's own settings: what is on them, and what their forms do."""

from __future__ import annotations

import json
import re

import httpx
import pytest

from mailroom.access.permissions import Relation
from mailroom.roles import Role
from mailroom.storage.tables import User
from tests.integration.api.pages.conftest import HOSTILE, Pages, Reader
from tests.support.pages import read


async def _after(reader: Reader, answer: httpx.Response) -> str:
    """Return the page that a form led to."""
    assert answer.status_code == 303, answer.text
    shown = await reader.get(answer.headers["Location"])
    assert shown.status_code == 200, shown.text
    return shown.text


async def test_one_chooses_how_pages_look(pages: Pages) -> None:
    me = await pages.reader(pages.made.me.id)
    moved = await me.get("/account")
    assert (moved.status_code, moved.headers["Location"]) == (303, "/me")
    refused = await me.send("/me/preferences", {"timezone": "Nowhere", "theme": "dark"})
    assert refused.status_code == 422
    assert 'aria-invalid="true"' in refused.text
    fields = {"timezone": "Asia/Tokyo", "locale": "de-DE", "hours": "24", "theme": "dark", "density": "compact"}
    shown = await _after(me, await me.send("/me/preferences", fields))
    assert 'data-theme="dark" data-density="compact"' in shown
    assert "times in Asia/Tokyo" in shown
    assert 'role="status"' in shown


async def test_one_signs_the_others_out(pages: Pages) -> None:
    here, there = await pages.reader(pages.made.me.id), await pages.reader(pages.made.me.id)
    await _after(here, await here.send("/me/sessions/end-others"))
    assert (await here.get("/me")).status_code == 200
    assert (await there.get("/me")).headers["Location"].startswith("/login")
    assert "/me/sessions/end-others" not in (await here.get("/me")).text, "there are no others now"


async def test_a_key_is_shown_once(pages: Pages) -> None:
    me = await pages.reader(pages.made.me.id)
    assert "It can also change what is its owner" in (await me.get("/settings/keys/new")).text
    wrong = await me.send("/settings/keys/new", {"name": "", "scope": "read", "expires_in_days": "9999"})
    assert wrong.status_code == 422
    too_wide = await me.send("/settings/keys/new", {"name": "x", "scope": "admin", "expires_in_days": "9"})
    assert too_wide.status_code == 422
    made = await me.send("/settings/keys/new", {"name": "import", "scope": "read", "expires_in_days": "9"})
    assert (made.status_code, made.headers["Cache-Control"]) == (200, "no-store")
    (key,) = re.findall(r'data-copy="(mrk_[^"]+)"', made.text)
    listed = await me.get("/settings/keys")
    assert "import" in listed.text
    assert key not in listed.text
    client = pages.people.client(key)
    assert (await client.get("/api/v1/users/me")).json()["id"] == pages.made.me.id
    revoke = re.findall(r'href="(/settings/keys/[\w-]+/revoke)"', listed.text)[0]
    assert (await me.get(revoke)).status_code == 200
    await _after(me, await me.send(revoke))
    assert (await client.get("/api/v1/users/me")).status_code == 401


@pytest.mark.parametrize("pages", [Role.VIEWER], indirect=True)
async def test_a_viewer_is_told_who_makes_keys(pages: Pages) -> None:
    me = await pages.reader(pages.made.me.id)
    assert "/settings/keys/new" not in (await me.get("/settings/keys")).text
    assert (await me.get("/settings/keys/new")).status_code == 403


async def test_users_are_found_and_made(pages: Pages) -> None:
    boss = await pages.admin()
    found = await boss.get("/settings/users?search=STRANGER&role=creator&state=active")
    assert pages.made.stranger.email in found.text
    assert pages.made.mate.email not in found.text
    assert "1 schedule" in read(found).text
    wrong = await boss.send("/settings/users/new", {"name": "New", "email": "no address", "role": "creator"})
    assert wrong.status_code == 422
    fields = {"name": HOSTILE[:60], "email": "new@example.com", "role": "creator", "timezone": "UTC"}
    shown = await _after(boss, await boss.send("/settings/users/new", fields))
    assert "new@example.com" in shown
    taken = await boss.send("/settings/users/new", fields)
    assert taken.status_code == 409
    link = await boss.send(re.findall(r'action="(/settings/users/[\w-]+/link)"', shown)[0], {"purpose": "login"})
    assert link.headers["Cache-Control"] == "no-store"
    assert "/login/link?token=" in link.text


async def test_who_leaves_hands_over_or_not(pages: Pages) -> None:
    boss, made = await pages.admin(), pages.made
    page = f"/settings/users/{made.me.id}/disable"
    asked = await boss.get(page)
    assert "1 active" in read(asked).text
    assert made.mate.email in asked.text
    assert (await boss.send(page, {"what": "hand_over", "to": ""})).status_code == 422
    reader = await pages.people.person("reader", Role.VIEWER)
    refused = await boss.send(page, {"what": "hand_over", "to": reader.id})
    assert refused.status_code == 409
    await _after(boss, await boss.send(page, {"what": "hand_over", "to": made.mate.id}))
    async with pages.api.database.session() as session:
        user = await session.get(User, made.me.id)
        assert user is not None
        assert not user.is_active
    schedule = await pages.api.json("GET", f"/schedules/{made.ids['schedule', Relation.OWN]}", 200)
    assert (schedule["owner"], schedule["state"]) == (made.mate.id, "active")
    shown = await _after(boss, await boss.send(f"/settings/users/{made.me.id}/enable"))
    assert f"{made.me.id}/disable" in shown


async def test_teams_are_made_renamed_and_deleted(pages: Pages) -> None:
    boss = await pages.admin()
    shown = await _after(boss, await boss.send("/settings/teams", {"name": "Finance", "external_id": "fin"}))
    assert "Finance" in shown
    team = (await pages.api.json("GET", "/teams/ext:fin", 200))["id"]
    stale = await boss.send(f"/settings/teams/{team}", {"name": "Money", "external_id": "", "etag": '"old"'})
    assert stale.status_code == 409
    full = pages.made.ids["team", Relation.OWN]
    assert (await boss.send(f"/settings/teams/{full}/delete")).status_code == 409, "it has members"
    await _after(boss, await boss.send(f"/settings/teams/{team}/delete"))
    await pages.api.json("GET", f"/teams/{team}", 404)


async def test_the_trail_is_read_filtered_checked_and_exported(pages: Pages) -> None:
    boss, me = await pages.admin(), await pages.reader(pages.made.me.id)
    mine = pages.made.ids["schedule", Relation.OWN]
    await pages.made.me.json("POST", f"/schedules/{mine}/pause", 200)
    thing = f"/audit?thing=schedule:{mine}"
    for reader in (boss, me):
        shown = await reader.get(thing)
        assert shown.status_code == 200
        assert "paused the schedule" in read(shown).text
        assert f'href="/schedules/{mine}"' in shown.text
    assert "From address" in (await boss.get(thing)).text
    assert "From address" not in (await me.get(thing)).text
    assert (await me.get(f"{thing}&address=127.0.0.1")).status_code == 403
    assert (await boss.get("/audit?from=yesterday")).status_code == 422
    assert "No entries match" in (await boss.get("/audit?actor=nobody@example.com")).text
    exported = await boss.get(f"/audit/export?thing=schedule:{mine}&action=paused")
    (line,) = exported.text.splitlines()
    assert (json.loads(line)["action"], exported.headers["content-type"]) == ("paused", "application/jsonl")
    assert (await me.get("/audit/export")).status_code == 403
    first = await boss.get("/audit")
    following = re.search(r'href="(/audit\?cursor=[^"]+)"', first.text)
    if following:
        assert (await boss.get(following.group(1).replace("&amp;", "&"))).status_code == 200
    checked = await _after(boss, await boss.send("/audit/check", {"back": thing}))
    assert "Verified to entry" in checked
