"""Notices: told in the session in which something was done, as long as they are of use."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select, update

from mailroom.members import notices
from mailroom.storage.model.login import WebSession
from tests.integration.api.login.conftest import Browser, Site


async def _rows(site: Site) -> list[WebSession]:
    """Return the sessions, the oldest first."""
    async with site.database.session() as session:
        return list(await session.scalars(select(WebSession).order_by(WebSession.created_at)))


async def _add(site: Site, session_id: str, number: int, now: datetime, until: datetime | None = None) -> None:
    notice: dict[str, Any] = {"id": f"n-{number}", "words": f"Notice {number}.", "tone": "ok"}
    if until is not None:
        notice["undo"] = {"action": "/schedules/x/resume", "words": f"Undo {number}"}
        notice["until"] = until.isoformat()
    async with site.database.session() as session:
        await notices.add(session, session_id, notice, now=now)


async def _text(browser: Browser) -> str:
    answer = await browser.get("/me")
    assert answer.status_code == 200
    return answer.text


async def test_a_notice_is_told_once_and_only_in_its_session(site: Site) -> None:
    first = await site.logged_in("ada")
    second, other = await site.browser(), await site.logged_in("eve")
    await second.open_link(await site.link("ext:ada"))
    newest = (await _rows(site))[-1].id
    await _add(site, newest, 1, datetime.now(UTC))
    assert ["Notice 1." in await _text(one) for one in (first, other, second, second)] == [False, False, True, False]


async def test_an_undo_is_offered_until_its_time_also_after_a_reload(site: Site) -> None:
    ada = await site.logged_in("ada")
    (row,), now = await _rows(site), datetime.now(UTC)
    await _add(site, row.id, 1, now, until=now + timedelta(minutes=10))
    assert ["Undo 1" in await _text(ada) for _ in range(2)] == [True, True]
    over = [{**one, "until": (now - timedelta(seconds=1)).isoformat()} for one in (await _rows(site))[0].notices]
    async with site.database.session() as session:
        await session.execute(update(WebSession).values(notices=over))
    assert "Undo 1" not in await _text(ada)
    # What is over is thrown away by the next one.
    await _add(site, row.id, 2, now)
    assert [one["id"] for one in (await _rows(site))[0].notices] == ["n-2"]


async def test_the_oldest_of_too_many_is_dropped(site: Site) -> None:
    await site.logged_in("ada")
    (row,), now = await _rows(site), datetime.now(UTC)
    for number in range(notices.MOST + 2):
        await _add(site, row.id, number, now)
    kept = [one["id"] for one in (await _rows(site))[0].notices]
    assert kept == [f"n-{number}" for number in range(2, notices.MOST + 2)]
