"""Of a form that comes with an expired session, only what its owner has typed on a page of ours is kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from sqlalchemy import update

from mailroom.storage.model.drafts import ScheduleDraft
from mailroom.storage.model.login import WebSession
from mailroom.storage.tables import User
from tests.integration.api.drafts.conftest import BODY, draft_of, load, send
from tests.integration.api.login.conftest import OWN_PAGE, Browser, Site
from tests.support.html_page import FormOnPage


async def _set(site: Site, table: Any, **values: Any) -> None:
    async with site.database.session() as session:
        await session.execute(update(table).values(**values))


async def _over(site: Site) -> None:
    await _set(site, WebSession, last_seen_at=datetime.now(UTC) - timedelta(hours=9))


async def _kept(site: Site, draft: str) -> list[str]:
    """Return the parts of which a form was kept."""
    async with site.database.session() as session:
        row = await session.get_one(ScheduleDraft, draft)
        return sorted(row.unsaved or {})


async def _form(browser: Browser, draft: str) -> FormOnPage:
    return (await load(browser, f"/drafts/{draft}/frequency")).forms["step"]


async def _lay(browser: Browser, draft: str, pairs: list[tuple[str, str]], **headers: str) -> httpx.Response:
    sent = {**OWN_PAGE, "Content-Type": "application/x-www-form-urlencoded", "Accept": "text/html", **headers}
    return await browser.post(f"/drafts/{draft}/frequency", content=urlencode(pairs), headers=sent)


async def test_what_no_page_of_that_session_has_made_is_not_kept(site: Site) -> None:
    ada = await site.logged_in("ada")
    draft = await draft_of(site, "ada", body=BODY)
    form = await _form(ada, draft)
    typed = form.filled(daily_at="13:13")
    many = [(f"x{number}", "1") for number in range(5_000)]
    await _over(site)
    for pairs, headers in (
        (form.filled(daily_at="13:13", csrf__token="0" * 64), {}),
        (form.filled(daily_at="13:13", without=("csrf_token",)), {}),
        (form.filled(daily_at="13:13", without=("version",)), {}),
        (form.filled(daily_at="13:13\0"), {}),
        ([*typed, ("x\0", "")], {}),
        ([*typed, *many], {}),
        (typed, {"Sec-Fetch-Site": "cross-site"}),
        (typed, {"Sec-Fetch-Site": "same-site"}),
    ):
        answer = await _lay(ada, draft, pairs, **headers)
        assert answer.status_code in {303, 401}, answer.text
        assert await _kept(site, draft) == []
    # The same form as it should come is kept, so each refusal above was for its own reason.
    assert (await send(ada, f"/drafts/{draft}/frequency", typed)).status_code == 303
    assert await _kept(site, draft) == ["timing"]


async def test_another_lays_nothing_beside_a_draft(site: Site) -> None:
    ada, eve, boss = await site.logged_in("ada"), await site.logged_in("eve"), await site.logged_in("boss", "admin")
    draft, hers = await draft_of(site, "ada", body=BODY), await draft_of(site, "eve", body=BODY)
    forms = [(eve, await _form(eve, hers)), (boss, await _form(boss, draft))]
    await _over(site)
    for browser, form in forms:
        assert (await _lay(browser, draft, form.filled(daily_at="13:13"))).status_code == 303
    assert await _kept(site, draft) == []
    assert await _kept(site, hers) == []
    await _lay(eve, hers, forms[0][1].filled(daily_at="13:13"))
    assert await _kept(site, hers) == ["timing"]
    assert ada.cookies, "the owner of the draft is somebody else"


@pytest.mark.parametrize(
    ("table", "values"),
    [
        (WebSession, {"ended_at": datetime(2026, 1, 1, tzinfo=UTC)}),
        (User, {"is_active": False}),
        (User, {"role": "viewer"}),
    ],
    ids=["logged out", "disabled", "a viewer by now"],
)
async def test_whose_right_has_gone_keeps_nothing(site: Site, table: Any, values: dict[str, Any]) -> None:
    ada = await site.logged_in("ada")
    draft = await draft_of(site, "ada", body=BODY)
    form = await _form(ada, draft)
    await _over(site)
    async with site.database.session() as session:
        change = update(table).values(**values)
        await session.execute(change.where(User.external_id == "ada") if table is User else change)
    assert (await _lay(ada, draft, form.filled(daily_at="13:13"))).status_code == 303
    assert await _kept(site, draft) == []


async def test_a_draft_that_is_a_schedule_keeps_nothing(site: Site) -> None:
    ada = await site.logged_in("ada")
    draft = await draft_of(site, "ada", body={**BODY, "name": "Daily"})
    form = await _form(ada, draft)
    await site.json("POST", f"/drafts/{draft}/activate", 200, json={}, headers={"X-Act-For": "ext:ada"})
    await _over(site)
    assert (await _lay(ada, draft, form.filled(daily_at="13:13"))).status_code == 303
    assert await _kept(site, draft) == []
