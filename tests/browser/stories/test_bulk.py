"""The same for many schedules at once: those that are ticked, and all that match a filter."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import Person
from tests.browser.stories.making import ALL, WITHOUT_AND_WITH, ended, schedule, schedules, state, undo
from tests.support.system import System


def several(system: System, word: str) -> list[str]:
    """Make three schedules of which two match a search for this word."""
    names = (f"First {word}", f"Second {word}", f"Bystander of {word[:3]}")
    return [schedule(system, name, f"{word}-{place}@example.com") for place, name in enumerate(names)]


async def apply(page: Page, word: str, action: str, *, every: bool) -> None:
    """Choose an action for the two that match, and press Apply."""
    await page.goto(f"/schedules?search={word}")
    ticks = page.get_by_role("checkbox", name=re.compile(f"^Select .* {word}$"))
    await expect(ticks).to_have_count(2)
    if every:
        await page.get_by_role("checkbox", name="Select all on this page").check()
    else:
        for tick in await ticks.all():
            await tick.check()
    await page.get_by_label("What to do with them").select_option(label=action)
    async with page.expect_navigation():
        await page.get_by_role("button", name="Apply").last.click()


@WITHOUT_AND_WITH
async def test_pause_resume_and_delete_ticked_ones(person: Person, system: System, scripts: bool) -> None:
    word = f"tick{'on' if scripts else 'off'}"
    first, second, bystander = several(system, word)
    async with person("creator", scripts=scripts) as window:
        page = window.page
        await apply(page, word, "Pause", every=False)
        assert [state(system, one) for one in (first, second, bystander)] == ["paused", "paused", "active"]
        await undo(page)
        assert [state(system, one) for one in (first, second)] == ["active", "active"]
        await apply(page, word, "Pause", every=False)
        await apply(page, word, "Resume", every=scripts)
        assert [state(system, one) for one in (first, second)] == ["active", "active"]
        await apply(page, word, "Delete", every=scripts)
        assert [state(system, one) for one in (first, second, bystander)] == ["deleted", "deleted", "active"]
        await page.reload()
        await undo(page)
        assert [state(system, one) for one in (first, second)] == ["active", "active"]


async def test_run_asks_once_for_all(person: Person, system: System) -> None:
    first, second, bystander = several(system, "runmany")
    async with person("creator", scripts=False) as window:
        page = window.page
        await apply(page, "runmany", "Run now …", every=False)
        await expect(page.get_by_role("heading", level=1)).to_contain_text("2 schedules")
        await expect(page.get_by_role("main")).to_contain_text("2 mail addresses")
        await page.get_by_role("button", name="Run 2 schedules now").dblclick()
        await page.wait_for_url("**/schedules?**")
        for one in (first, second):
            assert [run["status"] for run in await ended(system, one)] == ["success"]
        assert system.api("GET", f"/schedules/{bystander}/history")["items"] == []


async def test_an_admin_reassigns_many(person: Person, system: System) -> None:
    first, second, _ = several(system, "handmany")
    async with person("admin") as window:
        page = window.page
        await apply(page, "handmany", "Reassign …", every=False)
        await page.get_by_role("button", name="Reassign").click()
        await expect(page.get_by_role("alert").first).to_contain_text("Choose")
        await page.get_by_label("New owner").select_option(label="Admin Tester (admin@example.com)")
        await page.get_by_role("button", name="Reassign").click()
        await page.wait_for_url("**/schedules?**")
        admin, creator = (system.api("GET", f"/users/ext:test-{role}")["id"] for role in ("admin", "creator"))
        assert {system.api("GET", f"/schedules/{one}")["owner"] for one in (first, second)} == {admin}
        await undo(page)
        assert {system.api("GET", f"/schedules/{one}")["owner"] for one in (first, second)} == {creator}


@pytest.mark.skipif(not ALL, reason="make test-pages walks every story")
@WITHOUT_AND_WITH
async def test_all_by_filter_takes_other_pages_too(person: Person, system: System, scripts: bool) -> None:
    """51 schedules need two pages; all of them are paused and deleted, and nothing else is."""
    word = f"page{'on' if scripts else 'off'}"
    _, _, bystander = several(system, word)
    made = schedules(system, [f"Number {number} {word}" for number in range(49)], f"{word}@example.com")

    def states() -> list[str]:
        found = system.api("GET", f"/schedules/?search=Number&recipient={word}@example.com&limit=100")["items"]
        return [one["state"] for one in found]

    async with person("creator", scripts=scripts) as window:
        page = window.page
        for action, left in (("Pause", ["paused"] * len(made)), ("Delete", [])):
            await page.goto(f"/schedules?search={word}")
            await page.get_by_role("checkbox", name=re.compile(f"^Select .* {word}$")).first.check()
            await page.get_by_role("checkbox", name=re.compile("^All 51 schedules")).check()
            await page.get_by_label("What to do with them").select_option(label=action)
            async with page.expect_navigation():
                await page.get_by_role("button", name="Apply").last.click()
            assert states() == left
            assert state(system, bystander) == "active"
