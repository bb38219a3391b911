"""Local accounts: the password is checked in equal time, guessing is slowed down, and a change ends other sessions."""

from __future__ import annotations

import asyncio
import re
import statistics
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from argon2 import PasswordHasher
from sqlalchemy import select, update

from mailroom.members import throttle
from mailroom.storage.database import Database
from mailroom.storage.model.login import LocalPassword, LoginFailures
from tests.integration.api.login.conftest import (
    HOST,
    OWN_PAGE,
    PASSWORD,
    Browser,
    Site,
    of_provider,
    serving,
    settings_of,
)

OTHER = "ships return with the evening tide"


async def _put(browser: Browser, body: dict[str, Any], who: str = "ext:ada") -> httpx.Response:
    token = (await browser.get("/api/v1/sessions/current")).json()["csrf_token"]
    headers = {**OWN_PAGE, "X-CSRF-Token": token}
    return await browser.put(f"/api/v1/users/{who}/password", json=body, headers=headers)


async def _window_passes(site: Site) -> None:
    async with site.database.session() as session:
        await session.execute(update(LoginFailures).values(since=datetime.now(UTC) - throttle.WINDOW))


async def test_a_password_is_kept_as_argon2id_and_nowhere_else(site: Site) -> None:
    await site.logged_in("ada", password=True)
    async with site.database.session() as session:
        row = (await session.scalars(select(LocalPassword))).one()
    assert row.hash.startswith("$argon2id$")
    async with site.database.engine.connect() as connection:
        for table in ("local_passwords", "audit_events", "users", "idempotency_keys"):
            assert PASSWORD not in str((await connection.exec_driver_sql(f"SELECT * FROM {table}")).all())
    (changed,) = await site.audit("password changed")
    assert changed["detail"] == {"by": "link"}


async def test_log_in_with_a_password(site: Site) -> None:
    await site.logged_in("ada", password=True)
    browser = await site.browser()
    answer = await browser.log_in("ada@example.com", next_="/account")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/account")
    assert (await browser.get("/me")).status_code == 200
    assert (await site.audit("logged in"))[0]["detail"]["method"] == "password"


async def test_who_is_refused_is_not_told_why(site: Site) -> None:
    await site.logged_in("ada", password=True)
    await site.user("robot", is_service=True)
    await site.logged_in("grace", password=True)
    await site.json("DELETE", "/users/ext:grace", 200)
    await site.logged_in("alan")
    told = set()
    for email, password in (
        ("ada@example.com", OTHER),
        ("nobody@example.com", PASSWORD),
        ("robot@example.com", PASSWORD),
        ("grace@example.com", PASSWORD),
        ("alan@example.com", PASSWORD),
    ):
        browser = await site.browser()
        answer = await browser.log_in(email, password)
        assert answer.status_code == 401
        # The token of the form is another text in each answer.
        told.add(re.sub(r'(name="csrf_token" value=)"\w+"', r"\1", answer.text.replace(email, "")))
        assert "__Host-mailroom" not in browser.cookies
    assert len(told) == 1
    failed = await site.audit("log-in failed")
    assert len(failed) == 5
    assert "nobody@example.com" not in str(failed)
    assert PASSWORD not in str(failed)


async def test_an_unknown_user_takes_as_long_as_a_wrong_password(site: Site) -> None:
    await site.logged_in("ada", password=True)
    browser = await site.browser()
    spent: dict[str, list[float]] = {"ada@example.com": [], "nobody@example.com": []}
    await browser.log_in("first@example.com")
    for _ in range(3):
        for email, seconds in spent.items():
            began = time.process_time()
            await browser.log_in(email, OTHER)
            seconds.append(time.process_time() - began)
    known, unknown = (statistics.median(seconds) for seconds in spent.values())
    assert known / 2 < unknown < known * 2, spent


async def test_guessing_is_slowed_down(site: Site) -> None:
    await site.logged_in("ada", password=True)
    guesser = await site.browser(address="198.51.100.1")
    answers = [await guesser.log_in("ada@example.com", OTHER) for _ in range(throttle.MOST_OF_BOTH + 1)]
    assert [one.status_code for one in answers] == [401] * throttle.MOST_OF_BOTH + [429]
    assert 0 < int(answers[-1].headers["Retry-After"]) <= throttle.WINDOW.total_seconds()
    # Even the right one is not looked at now, from there; in other letters it is the same account.
    assert (await guesser.log_in("ada@example.com")).status_code == 429
    assert (await guesser.log_in("ADA@example.com")).status_code == 429
    assert (await (await site.browser(address="198.51.100.2")).log_in("ada@example.com")).status_code == 303
    await _window_passes(site)
    assert (await guesser.log_in("ada@example.com")).status_code == 303


async def test_many_guesses_at_once_do_not_get_past_the_limit(site: Site) -> None:
    await site.logged_in("ada", password=True)
    browser = await site.browser()
    token = await browser.token("/login")
    fields = {"csrf_token": token, "email": "ada@example.com", "password": OTHER}
    answers = await asyncio.gather(*(browser.post("/login", data=fields, headers=OWN_PAGE) for _ in range(12)))
    assert sorted(one.status_code for one in answers) == [401] * throttle.MOST_OF_BOTH + [429] * 7


async def test_tries_are_counted_on_both_databases(ledger: Database) -> None:
    now = datetime.now(UTC)

    async def attempt(account: str, address: str, at: datetime) -> timedelta | None:
        return await ledger.transact(lambda session: throttle.count(session, account, address, at))

    for number in range(throttle.MOST_OF_ONE):
        assert await attempt(f"account-{number}", "one address", now) is None
    assert await attempt("another", "one address", now + timedelta(minutes=3)) == throttle.WINDOW - timedelta(minutes=3)
    assert await attempt("another", "one address", now + throttle.WINDOW) is None
    await ledger.transact(lambda session: throttle.take_back(session, "another", "one address"))
    async with ledger.session() as session:
        kept = (await session.scalars(select(LoginFailures.tries).order_by(LoginFailures.tries))).all()
        subjects = (await session.scalars(select(LoginFailures.subject))).all()
    assert (kept.count(0), kept[2]) == (2, 1)
    assert all(len(subject) == 64 for subject in subjects)


async def test_a_user_changes_the_password_and_other_sessions_end(site: Site) -> None:
    ada, other = await site.logged_in("ada", password=True), await site.browser()
    await other.log_in("ada@example.com")
    link = await site.link("ext:ada", "reset")
    wrong = await _put(ada, {"current": OTHER, "new": OTHER})
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "current")
    assert (await _put(ada, {"new": OTHER})).status_code == 422
    assert (await _put(ada, {"current": PASSWORD, "new": OTHER})).status_code == 204
    assert (await ada.get("/me")).status_code == 200
    assert (await other.get("/me")).status_code == 401
    assert (await other.get(link)).status_code == 410
    assert (await other.log_in("ada@example.com", PASSWORD)).status_code == 401
    assert (await other.log_in("ada@example.com", OTHER)).status_code == 303


async def test_guessing_the_current_password_is_slowed_down_too(site: Site) -> None:
    ada = await site.logged_in("ada", password=True)
    answers = [await _put(ada, {"current": OTHER, "new": OTHER}) for _ in range(throttle.MOST_OF_BOTH + 1)]
    assert [one.status_code for one in answers] == [422] * throttle.MOST_OF_BOTH + [429]
    assert "Retry-After" in answers[-1].headers


async def test_a_first_password_is_not_set_with_a_key(site: Site) -> None:
    ada = await site.logged_in("ada")
    key = await site.json("POST", "/keys", 201, json={"name": "k", "scope": "write", "user": "ext:ada"})
    browser, headers = await site.browser(), {"Authorization": f"Bearer {key['key']}"}
    answer = await browser.put("/api/v1/users/ext:ada/password", json={"new": OTHER}, headers=headers)
    assert answer.status_code == 409
    await site.json("PUT", "/users/ext:ada/password", 403, json={"new": OTHER})
    await site.json("PUT", "/users/ext:ada/password", 409, json={"new": OTHER}, headers={"X-Act-For": "ext:ada"})
    assert (await _put(ada, {"new": OTHER})).status_code == 204


async def test_who_acts_for_a_user_sets_no_password_also_with_the_current_one(site: Site) -> None:
    await site.logged_in("ada", password=True)
    body = {"current": PASSWORD, "new": OTHER}
    await site.json("PUT", "/users/ext:ada/password", 409, json=body, headers={"X-Act-For": "ext:ada"})
    assert (await (await site.browser()).log_in("ada@example.com")).status_code == 303


@pytest.mark.parametrize("new", ["short", "aaaaaaaaaaaaaaaa", "ada@example.com", "x" * 257, "abababababab"])
async def test_a_password_that_is_easy_to_guess_is_refused(site: Site, new: str) -> None:
    ada = await site.logged_in("ada")
    answer = await _put(ada, {"new": new})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "new")


async def test_the_page_changes_it_too(site: Site) -> None:
    ada = await site.logged_in("ada", password=True)
    assert (await ada.submit("/account/password", {"current": OTHER, "new": OTHER})).status_code == 422
    assert (await ada.submit("/account/password", {"current": PASSWORD, "new": OTHER})).status_code == 303
    assert (await (await site.browser()).log_in("ada@example.com", OTHER)).status_code == 303


async def test_without_local_accounts_a_password_opens_nothing(tmp_path: Path, site: Site) -> None:
    await site.logged_in("ada", password=True)
    settings = settings_of(tmp_path, local_accounts=False, **of_provider(HOST))
    async with serving(settings, site.database) as other:
        browser = await other.browser()
        assert 'name="password"' not in (await browser.get("/login")).text
        await other.json("POST", "/users/ext:ada/links", 409, json={"purpose": "reset"})
        link = await other.link("ext:ada")
        form = await browser.token(link.removeprefix(HOST))
        fields = {"csrf_token": form, "email": "ada@example.com", "password": PASSWORD}
        assert (await browser.post("/login", data=fields, headers=OWN_PAGE)).status_code == 401
        assert (await browser.open_link(link)).status_code == 303
        assert (await _put(browser, {"current": PASSWORD, "new": OTHER})).status_code == 409


async def test_an_old_hash_is_made_anew_at_the_log_in(site: Site) -> None:
    await site.logged_in("ada", password=True)
    old = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    async with site.database.session() as session:
        await session.execute(update(LocalPassword).values(hash=old))
    assert (await (await site.browser()).log_in("ada@example.com", OTHER)).status_code == 401
    assert await _kept(site) == old
    for _ in range(2):
        assert (await (await site.browser()).log_in("ada@example.com")).status_code == 303
        renewed = await _kept(site)
        assert renewed != old
        assert not PasswordHasher().check_needs_rehash(renewed)


async def _kept(site: Site) -> str:
    async with site.database.session() as session:
        return (await session.scalars(select(LocalPassword.hash))).one()
