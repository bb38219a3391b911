"""Say what somebody may not do is not offered, the page says who can, and the addresses of the forms refuse it, too."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import Person
from tests.browser.stories.making import WITHOUT_AND_WITH, schedule, state
from tests.support.system import System

ACTIONS = ("pause", "resume", "delete", "undelete", "run", "test", "backfill", "reassign", "edit")
OFFERED = {"Edit", "Pause", "Resume", "Run now", "Send a test to me", "Delete", "Reassign", "Backfill"}


async def offered(page: Page) -> set[str]:
    """Return the words of every button and link of the page, of closed menus, too."""
    return {one.strip() for one in await page.locator("main :is(a, button)").all_text_contents()}


async def posted(page: Page, paths: Iterable[str], **fields: str) -> dict[str, int]:
    """Post a form to each address, with the token of this person's own session; return how each was answered."""
    token = await page.locator("input[name=csrf_token]").first.get_attribute("value") or ""
    script = """async ([paths, fields]) => Object.fromEntries(await Promise.all(paths.map(async path =>
      [path, (await fetch(path, {method: 'POST', redirect: 'manual', body: new URLSearchParams(fields)})).status])))"""
    found: dict[str, int] = await page.evaluate(script, [list(paths), {"csrf_token": token, **fields}])
    return found


def shared(system: System, name: str, *, by: str, to: str) -> str:
    """Make a schedule of somebody that another one may look at; return its id."""
    made = schedule(system, name, "shared@example.com", owner=by)
    system.link(to)
    person = system.api("GET", f"/users/ext:test-{to}")["id"]
    system.api("PUT", f"/schedules/{made}/shares", {"users": [person]})
    return made


@pytest.mark.parametrize(("role", "owner"), [("viewer", "creator"), ("creator", "admin")])
async def test_a_schedule_that_one_may_only_look_at(person: Person, system: System, role: str, owner: str) -> None:
    made = shared(system, f"Only looked at by the {role}", by=owner, to=role)
    async with person(role) as window:
        page = window.page
        await page.goto(f"/schedules/{made}")
        assert not await offered(page) & OFFERED
        await expect(page.get_by_role("main")).to_contain_text(f"{owner.capitalize()} Tester")
        answers = await posted(page, [f"/schedules/{made}/{action}" for action in ACTIONS], to="x")
        assert set(answers.values()) <= {403, 404}, answers
        bulk = await posted(page, ["/schedules/bulk"], **{"action": "pause", "ids-": made})
        assert set(bulk.values()) <= {0, 403}, "a redirect is opaque to scripts"
        assert state(system, made) == "active"
        await page.goto(f"/schedules?search=Only+looked+at+by+the+{role}")
        row = page.get_by_role("row").filter(has_text=f"Only looked at by the {role}")
        assert await row.get_by_role("checkbox").count() == 0
        assert not {"Pause", "Run now …", "Edit", "Delete"} & await offered(page)


async def test_what_a_viewer_is_not_offered_in_the_list(person: Person, system: System) -> None:
    shared(system, "In a viewer's list", by="creator", to="viewer")
    async with person("viewer") as window:
        page = window.page
        await page.goto("/schedules")
        await expect(page.get_by_role("main")).to_contain_text("owners and admins")
        assert "New schedule" not in await offered(page)
        answers = await posted(page, ["/schedules/new", "/templates", "/connections/new", "/calendars/new"])
        assert set(answers.values()) <= {403, 404, 405}, answers


async def test_what_is_an_admins_says_so(person: Person) -> None:
    async with person("viewer") as window:
        for path in ("/connections/new", "/calendars/new", "/audit"):
            answer = await window.page.goto(path)
            assert answer is not None
            assert answer.status == 403, path
            await expect(window.page.get_by_role("main")).to_contain_text("admin")
            assert "/api/" not in await window.page.inner_text("main")


async def test_only_admins_reassign(person: Person, system: System) -> None:
    made = schedule(system, "Never handed over by its owner", "own@example.com")
    async with person("creator") as window:
        await window.page.goto(f"/schedules/{made}")
        assert "Reassign" not in await offered(window.page)
        answer = await window.page.goto(f"/schedules/{made}/reassign")
        assert answer is not None
        assert answer.status == 403


@WITHOUT_AND_WITH
async def test_who_sends_to_an_address(person: Person, system: System, scripts: bool) -> None:
    word = "on" if scripts else "off"
    schedule(system, f"Sends to the auditor {word}", f"auditor-{word}@example.com", "else@example.com")
    schedule(system, f"Sends elsewhere {word}", "else@example.com")
    async with person("admin", scripts=scripts) as window:
        page = window.page
        await page.goto("/schedules")
        await page.get_by_label("Recipient").fill(f"Auditor-{word}@Example.com")
        await page.get_by_role("button", name="Filter").click()
        await page.wait_for_url("**recipient=**")
        await expect(page.get_by_role("link", name=f"Sends to the auditor {word}")).to_be_visible()
        assert await page.get_by_role("link", name=f"Sends elsewhere {word}").count() == 0
