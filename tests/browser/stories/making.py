"""Make over REST what a story begins with, and look at what it led to."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Sequence
from typing import Any

import pytest
from playwright.async_api import Locator, Page

from tests.support.system import System
from tests.support.waiting import eventually

ALL = os.environ.get("PAGES") == "all"
"""Whether every combination is walked, as by `make test-pages`."""
REPORT = "carrier-punctuality"
MONDAYS = {"frequency": "weekly", "days": ["mon"], "at": "09:00", "timezone": "Europe/Berlin"}
RUN = re.compile(r"/executions/[0-9a-f-]{36}")
WITH_AND_WITHOUT = pytest.mark.parametrize(
    "scripts", [True, False] if ALL else [True], ids=lambda given: "scripts" if given else "no scripts"
)
WITHOUT_AND_WITH = pytest.mark.parametrize(
    "scripts", [False, True] if ALL else [False], ids=lambda given: "scripts" if given else "no scripts"
)
ENDED = {"success", "partial", "failed", "missed", "skipped", "cancelled"}


def schedule(system: System, name: str, *to: str, owner: str = "creator", **changes: Any) -> str:
    """Make a schedule that sends a CSV to these people on Mondays, of the person of this role; return its id."""
    (made,) = schedules(system, [name], *to, owner=owner, **changes)
    return made


def schedules(system: System, names: Sequence[str], *to: str, owner: str = "creator", **changes: Any) -> list[str]:
    """Make a schedule of each name, as `schedule` does."""
    mail = {"channel": "email", "connection": "local-mail", "to": list(to)}
    body = {"report_id": REPORT, "timing": MONDAYS, "formats": ["csv"], "destinations": [mail], **changes}
    made = [str(system.api("POST", "/schedules", {**body, "name": name}, status=201)["id"]) for name in names]
    system.link(owner)  # Makes the person, unless there is one.
    given = system.api("POST", "/schedules/bulk", {"action": "reassign", "ids": made, "to": f"ext:test-{owner}"})
    assert given["done"] == len(made), given
    return made


def state(system: System, schedule_id: str) -> str:
    """Return the state of a schedule."""
    return str(system.api("GET", f"/schedules/{schedule_id}")["state"])


def runs(system: System, schedule_id: str) -> list[dict[str, Any]]:
    """Return the executions of a schedule."""
    found: list[dict[str, Any]] = system.api("GET", f"/schedules/{schedule_id}/history")["items"]
    return found


async def ended(system: System, schedule_id: str) -> list[dict[str, Any]]:
    """Return the executions of a schedule once there are any and all of them have ended."""

    async def look() -> list[dict[str, Any]] | None:
        found = await asyncio.to_thread(runs, system, schedule_id)
        return found if found and all(one["status"] in ENDED for one in found) else None

    found = await eventually(look, 120)
    assert isinstance(found, list)
    return found


def mails_to(system: System, address: str) -> list[dict[str, Any]]:
    """Return the mails in the catcher that went to this address."""
    return [one for one in system.mails() if address in one["recipients"]]


def button(where: Page | Locator, words: str) -> Locator:
    """Return the button, or the link that looks like one, with these words; below a menu once that is open."""
    exact = re.compile(f"^{re.escape(words)}$")
    return where.get_by_role("button", name=exact).or_(where.get_by_role("link", name=exact))


async def press(page: Page, words: str, *, more: bool = False) -> None:
    """Press a button of a schedule's page, with `more` one of the menu behind them; the next page is there then."""
    main = page.locator("main")
    if more:
        await button(main, "More").click()
    await _follow(page, button(main, words))


async def press_in_row(page: Page, name: str, words: str) -> None:
    """Press an entry of the menu of a schedule in the list; the next page is there then."""
    row = page.get_by_role("row").filter(has=page.get_by_role("link", name=name, exact=True))
    await row.get_by_role("button", name=f"Actions for {name}").click()
    await _follow(page, button(row, words))


async def _follow(page: Page, what: Locator) -> None:
    # A form leads on by 303, often to the page on which it was: a new document, whatever its address.
    async with page.expect_navigation():
        await what.click()


async def undo(page: Page) -> None:
    """Press Undo in the latest notice."""
    await _follow(page, page.locator("#notices").get_by_role("button", name="Undo", exact=True).last)
