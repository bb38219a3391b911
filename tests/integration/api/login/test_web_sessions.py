"""Web sessions: how long they last, who sees them, and what ends them at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select, update

from mailroom.access import secrets_kept
from mailroom.members import web_sessions
from mailroom.storage.database import Database
from mailroom.storage.model.login import WebSession
from tests.integration.api.login.conftest import OWN_PAGE, PASSWORD, Browser, Site, serving, settings_of
from tests.support.statements import recorded


async def _sessions(browser: Browser) -> list[dict[str, Any]]:
    answer = await browser.get("/api/v1/sessions")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def _delete(browser: Browser, path: str) -> int:
    token = (await browser.get("/api/v1/sessions/current")).json()["csrf_token"]
    answer = await browser.delete(f"/api/v1{path}", headers={**OWN_PAGE, "X-CSRF-Token": token})
    return answer.status_code


async def _set(site: Site, **values: Any) -> None:
    async with site.database.session() as session:
        await session.execute(update(WebSession).values(**values))


async def test_the_secret_of_a_session_is_kept_nowhere(site: Site) -> None:
    browser = await site.logged_in("ada")
    secret = browser.cookies["__Host-mailroom"]
    async with site.database.session() as session:
        row = (await session.scalars(select(WebSession))).one()
    assert row.digest == secrets_kept.digest(secret)
    async with site.database.engine.connect() as connection:
        for table in ("web_sessions", "login_links", "audit_events"):
            assert secret not in str((await connection.exec_driver_sql(f"SELECT * FROM {table}")).all())
    assert secret not in (await browser.get("/api/v1/sessions")).text


async def test_a_session_ends_when_it_is_idle_or_old(site: Site) -> None:
    browser = await site.logged_in("ada")
    now = datetime.now(UTC)
    await _set(site, last_seen_at=now - timedelta(minutes=59))
    assert (await browser.get("/me")).status_code == 200
    async with site.database.session() as session:
        assert (await session.scalars(select(WebSession.last_seen_at))).one() >= now
    await _set(site, last_seen_at=now - timedelta(minutes=60))
    assert (await browser.get("/me")).status_code == 401
    await _set(site, last_seen_at=now, expires_at=now - timedelta(seconds=1))
    assert (await browser.get("/me")).status_code == 401


async def test_a_session_costs_one_query(site: Site) -> None:
    browser = await site.logged_in("ada")
    with recorded(site.database) as seen:
        assert (await browser.get("/api/v1/notifications")).status_code == 200
    asked = [one for statements in seen.transactions for one in statements]
    assert len([one for one in asked if "web_sessions.digest =" in one or "FROM users" in one]) == 1
    assert not [one for one in asked if one.startswith("UPDATE web_sessions")]


async def test_users_see_and_end_their_own_sessions(site: Site) -> None:
    ada, grace = await site.logged_in("ada", password=True), await site.logged_in("grace")
    second = await site.browser()
    assert (await second.log_in("ada@example.com")).status_code == 303
    mine = await _sessions(ada)
    assert [one["current"] for one in mine] == [False, True]
    theirs = (await _sessions(grace))[0]["id"]
    assert await _delete(ada, f"/sessions/{theirs}") == 404
    assert await _delete(ada, f"/sessions/{mine[0]['id']}") == 204
    assert (await second.get("/me")).status_code == 401
    assert (await ada.get("/me")).status_code == 200
    assert len(await _sessions(grace)) == 1
    everybody = (await site.json("GET", "/sessions", 200))["items"]
    assert len(everybody) == 2
    await site.json("DELETE", f"/sessions/{theirs}", 204)
    assert (await grace.get("/me")).status_code == 401
    assert {one["detail"]["reason"] for one in await site.audit("sessions ended")} == {"asked"}


async def test_all_of_ones_own_sessions_end_at_once(site: Site) -> None:
    ada, other = await site.logged_in("ada", password=True), await site.browser()
    grace = await site.logged_in("grace")
    await other.log_in("ada@example.com")
    assert await _delete(ada, "/sessions") == 204
    for browser in (ada, other):
        assert (await browser.get("/me")).status_code == 401
    assert (await grace.get("/me")).status_code == 200


async def test_security_29_a_disabled_user_is_out_on_the_next_request(site: Site) -> None:
    ada = await site.logged_in("ada")
    assert (await ada.get("/me")).status_code == 200
    link = await site.link("ext:ada")
    await site.json("DELETE", "/users/ext:ada", 200)
    assert (await ada.get("/me")).status_code == 401
    body = {"email": "ada@example.com", "name": "ada", "role": "creator", "external_id": "ada"}
    await site.json("PUT", "/users/ext:ada", 200, json=body)
    # Whoever is enabled again logs in again.
    assert (await ada.get("/me")).status_code == 401
    assert (await (await site.browser()).get(link)).status_code == 410


async def test_security_29_a_role_that_was_taken_away_is_gone_in_a_session_too(site: Site) -> None:
    ada = await site.logged_in("ada", "admin")
    assert (await ada.get("/api/v1/connections/none/grants")).status_code == 404
    body = {"email": "ada@example.com", "name": "ada", "role": "viewer", "external_id": "ada"}
    await site.json("PUT", "/users/ext:ada", 200, json=body)
    assert (await ada.get("/api/v1/connections/none/grants")).status_code == 403


async def test_log_out_ends_the_session_and_not_only_the_cookie(site: Site) -> None:
    ada = await site.logged_in("ada")
    secret = ada.cookies["__Host-mailroom"]
    answer = await ada.submit("/logout", {})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/login")
    assert "__Host-mailroom" not in ada.cookies
    thief = await site.browser()
    assert (await thief.get("/account", headers={"Cookie": f"__Host-mailroom={secret}"})).status_code == 401
    assert len(await site.audit("logged out")) == 1


async def test_a_new_log_in_ends_the_session_before(site: Site) -> None:
    ada = await site.logged_in("ada", password=True)
    before = ada.cookies["__Host-mailroom"]
    assert (await ada.log_in("ada@example.com", PASSWORD)).status_code == 303
    assert ada.cookies["__Host-mailroom"] != before
    assert len(await _sessions(ada)) == 1


async def test_a_key_has_no_session_of_its_own(site: Site) -> None:
    await site.json("GET", "/sessions/current", 409)


async def test_what_ended_long_ago_is_removed(site: Site) -> None:
    await site.logged_in("ada")
    await _set(site, ended_at=datetime.now(UTC) - timedelta(days=29))
    now = datetime.now(UTC)
    await web_sessions.forget(site.database, now=now)
    async with site.database.session() as session:
        assert (await session.scalars(select(WebSession))).all()
    await web_sessions.forget(site.database, now=now + timedelta(days=2))
    async with site.database.session() as session:
        assert not (await session.scalars(select(WebSession))).all()


async def test_behind_a_proxy_of_ours_the_address_is_the_clients(tmp_path: Path, database: Database) -> None:
    """Otherwise everybody would be slowed down for one who guesses passwords."""
    async with serving(settings_of(tmp_path, trusted_proxies="203.0.113.0/24"), database) as site:
        await site.user("ada")
        browser = await site.browser(**{"X-Forwarded-For": "198.51.100.9"})
        assert (await browser.open_link(await site.link("ext:ada"))).status_code == 303
        assert (await _sessions(browser))[0]["address"] == "198.51.100.9"
