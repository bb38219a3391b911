"""One-time links: they work once, for a short time, and not for whoever only looks at them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from api.http.browser.redirects import HOME
from mailroom.access import secrets_kept
from mailroom.errors import Gone
from mailroom.members import links
from mailroom.members.links import Purpose
from mailroom.storage.database import Database, new_id
from mailroom.storage.model.login import LoginLink
from mailroom.storage.tables import User
from tests.integration.api.login.conftest import HOST, OWN_PAGE, PASSWORD, Site


async def test_a_link_logs_in_once(site: Site) -> None:
    await site.user("ada")
    link = await site.link("ext:ada")
    assert link.startswith(f"{HOST}/login/link?token=")
    browser, late = await site.browser(), await site.browser()
    for _ in range(3):
        # A mail program, or a scanner of links, looks at it.
        assert (await late.get(link)).status_code == 200
        assert (await late.head(link)).status_code in (200, 405)
    token = await late.token(link.removeprefix(HOST))
    answer = await browser.open_link(link)
    assert (answer.status_code, answer.headers["Location"]) == (303, HOME)
    assert "ada@example.com" in (await browser.get("/me")).text
    assert (await late.get(link)).status_code == 410
    fields = {"csrf_token": token, "token": link.partition("token=")[2]}
    assert (await late.post("/login/link", data=fields, headers=OWN_PAGE)).status_code == 410
    assert (await late.get("/me")).status_code == 401
    failed = await site.audit("log-in failed")
    assert [one["detail"]["method"] for one in failed] == ["link"]
    assert failed[0]["detail"]["reason"] == "gone"
    assert link.partition("token=")[2] not in str(failed)


async def test_a_link_tells_whoever_looks_at_it_no_name(site: Site) -> None:
    await site.user("ada")
    page = (await (await site.browser()).get(await site.link("ext:ada"))).text
    assert "ada@" not in page


async def test_a_link_of_many_at_once_logs_in_one(site: Site) -> None:
    await site.user("ada")
    link = await site.link("ext:ada")
    browsers = [await site.browser() for _ in range(8)]
    answers = await asyncio.gather(*(browser.open_link(link) for browser in browsers), return_exceptions=True)
    entered = [one for one in answers if not isinstance(one, BaseException) and one.status_code == 303]
    assert len(entered) == 1


async def test_a_link_expires(site: Site) -> None:
    await site.user("ada")
    made = await site.json("POST", "/users/ext:ada/links", 201, json={})
    left = datetime.fromisoformat(made["expires_at"]) - datetime.now(UTC)
    assert timedelta(minutes=14) < left <= timedelta(minutes=15)
    async with site.database.session() as session:
        await session.execute(update(LoginLink).values(expires_at=datetime.now(UTC) - timedelta(seconds=1)))
    assert (await (await site.browser()).get(made["link"])).status_code == 410


async def test_a_new_link_makes_the_earlier_one_useless(site: Site) -> None:
    await site.user("ada")
    first, second = await site.link("ext:ada"), await site.link("ext:ada")
    reset = await site.link("ext:ada", "reset")
    browser = await site.browser()
    assert (await browser.get(first)).status_code == 410
    assert (await browser.get(second)).status_code == 200
    assert (await browser.open_link(reset, password=PASSWORD)).status_code == 303


async def test_a_link_is_for_one_purpose(site: Site) -> None:
    """A link to log in sets no password, so whoever finds it does not keep the account."""
    await site.user("ada")
    browser, link = await site.browser(), await site.link("ext:ada")
    assert (await browser.open_link(link, password=PASSWORD)).status_code == 410
    reset = await site.link("ext:ada", "reset")
    assert (await browser.open_link(reset)).status_code == 410
    assert (await browser.open_link(reset, password="short")).status_code == 422
    assert (await browser.open_link(reset, password=PASSWORD)).status_code == 303


async def test_a_reset_ends_all_other_sessions(site: Site) -> None:
    ada, other = await site.logged_in("ada", password=True), await site.browser()
    assert (await other.open_link(await site.link("ext:ada", "reset"), password=PASSWORD * 2)).status_code == 303
    assert (await ada.get("/me")).status_code == 401
    assert (await ada.log_in("ada@example.com", PASSWORD)).status_code == 401


async def test_only_admins_make_links_and_for_people(site: Site) -> None:
    await site.user("robot", is_service=True)
    await site.json("POST", "/users/ext:robot/links", 409, json={})
    await site.user("grace")
    await site.json("DELETE", "/users/ext:grace", 200)
    await site.json("POST", "/users/ext:grace/links", 409, json={})
    await site.json("POST", "/users/ext:nobody/links", 404, json={})
    await site.json("POST", "/users/ext:grace/links", 422, json={"purpose": "other"})
    made = await site.audit("link made")
    assert made == []
    await site.user("ada")
    secret = (await site.link("ext:ada")).partition("token=")[2]
    (made_now,) = await site.audit("link made")
    assert made_now["actor"] == site.settings.owner_email
    assert secret not in str(made_now)


async def test_a_link_is_used_up_on_both_databases(ledger: Database) -> None:
    now, secret = datetime.now(UTC), secrets_kept.new_secret()
    async with ledger.session() as session:
        user = User(id=new_id(), email="ada@example.com", created_at=now, updated_at=now)
        session.add(user)
        await session.flush()
        row = LoginLink(user_id=user.id, digest=secrets_kept.digest(secret), purpose="login", made_by="x")
        row.created_at, row.expires_at = now, now + timedelta(minutes=1)
        session.add(row)

    async def use() -> str:
        return (await ledger.transact(lambda session: links.use(session, secret, Purpose.LOGIN, now=now))).id

    answers = await asyncio.gather(*(use() for _ in range(5)), return_exceptions=True)
    assert [one for one in answers if one == user.id] == [user.id]
    assert all(isinstance(one, Gone) for one in answers if one != user.id)
    with pytest.raises(Gone):
        await use()
