"""Stories of the wizard: without scripts, back and forth, in two windows, after the session has ended."""

from __future__ import annotations

import asyncio
import re

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import Person
from tests.browser.stories.making import ALL
from tests.support.system import System

STEPS = ("report", "frequency", "parameters", "destinations", "review")
DRAFT = re.compile(r"/drafts/([0-9a-f-]+)/(\w+)")


async def go_on(page: Page) -> None:
    """Press Continue, and wait for the next step."""
    before = page.url
    await page.get_by_role("button", name="Continue").click()
    await page.wait_for_url(lambda url: url != before)


async def begin(page: Page) -> str:
    """Choose a report; return the address of the draft."""
    await page.goto("/schedules/new")
    await page.get_by_role("radio", name=re.compile("^Carrier punctuality")).check()
    await go_on(page)
    return page.url.rsplit("/", 1)[0]


async def add_mail(page: Page, to: str) -> None:
    """Add mail to somebody in the fourth step."""
    await page.get_by_role("button", name=re.compile("^Add a")).click()
    await page.wait_for_url("**/destinations/add")
    await page.get_by_role("radio", name=re.compile("^E-mail")).check()
    await page.get_by_role("button", name="Add", exact=True).click()
    await page.wait_for_url(re.compile("/destinations(#.*)?$"))
    await page.get_by_role("textbox", name="To", exact=True).fill(to)


async def activate(page: Page) -> None:
    """Activate in the last step; the page of the schedule is there afterwards."""
    await page.get_by_role("button", name=re.compile("^Activate")).click()
    await page.wait_for_url(re.compile(r"/schedules/[0-9a-f-]{36}"))


async def whole(page: Page, to: str) -> None:
    """Go through all steps up to the last."""
    await begin(page)
    await go_on(page)
    await go_on(page)
    await add_mail(page, to)
    await go_on(page)


async def test_without_scripts(person: Person) -> None:
    async with person("creator", scripts=False) as window:
        await whole(window.page, "no-scripts@example.com")
        await activate(window.page)
        await expect(window.page.get_by_role("heading", level=1)).to_contain_text("Carrier punctuality")
        await expect(window.page.get_by_text("no-scripts@example.com").first).to_be_visible()


async def test_back_and_forward_through_all_steps(person: Person) -> None:
    async with person("creator") as window:
        page = window.page
        await whole(page, "back@example.com")
        seen = []
        for _ in range(8):
            found = DRAFT.search(page.url)
            seen += [found.group(2)] if found else []
            if page.url.endswith("/schedules/new"):
                break
            # No question whether a form is to be sent again: each step is the answer to a GET.
            answer = await page.go_back()
            assert answer is None or answer.ok
        assert set(STEPS[1:]) <= set(seen)
        for _ in range(8):
            await page.go_forward()
            if page.url.endswith("/review"):
                break
        await expect(page.get_by_text("back@example.com").first).to_be_visible()


async def test_every_step_can_be_opened_at_any_time(person: Person) -> None:
    async with person("creator") as window:
        draft = await begin(window.page)
        for step in STEPS:
            answer = await window.page.goto(f"{draft}/{step}")
            assert answer is not None
            assert answer.status == 200
            assert await window.page.locator("[aria-current=step]").count() == 1


async def test_two_windows_on_one_draft(person: Person) -> None:
    async with person("creator") as window:
        draft = await begin(window.page)
        other = await window.context.new_page()
        await window.page.goto(f"{draft}/frequency")
        await other.goto(f"{draft}/frequency")
        await window.page.get_by_role("radio", name="Daily").check()
        await go_on(window.page)
        await other.get_by_role("radio", name="Monthly").check()
        async with other.expect_response(lambda answer: answer.request.method == "POST") as answered:
            await other.get_by_role("button", name="Continue").click()
        assert (await answered.value).status == 409
        words = (await other.inner_text("main")).lower()
        assert "month at 09:00" in words
        assert "every day at 09:00" in words


async def test_a_session_that_ends_in_the_fourth_step_loses_nothing(person: Person, system: System) -> None:
    async with person("creator", scripts=False) as window:
        page = window.page
        draft = await begin(page)
        await page.goto(f"{draft}/destinations")
        await add_mail(page, "kept@example.com")
        await asyncio.to_thread(system.expire_sessions, "creator")
        await page.get_by_role("button", name="Continue").click()
        await page.wait_for_url("**/login**")
        await window.log_in(system.link("creator"))
        await page.goto(f"{draft}/destinations")
        await expect(page.get_by_text("Your entries were kept").first).to_be_visible()
        assert await page.get_by_role("textbox", name="To", exact=True).input_value() == "kept@example.com"


HOSTILE = (
    "<img src=x onerror=alert(1)>\"'</textarea></script>",
    "\u062a\u0642\u0631\u064a\u0631 \u0627\u0644\u0645\u0628\u064a\u0639\u0627\u062a 2026 (EMEA)",
    "W" * 200,
    "📈" * 50,
)


@pytest.mark.parametrize("name", HOSTILE if ALL else HOSTILE[:3:2])
async def test_hostile_names(person: Person, name: str) -> None:
    async with person("creator", width=360) as window:
        page = window.page
        await whole(page, "hostile@example.com")
        await page.get_by_label("Name", exact=True).fill(name)
        await activate(page)
        shown = await page.get_by_role("heading", level=1).inner_text()
        assert name[:40] in shown.replace("\n", "")
        for path in (page.url, "/schedules", "/executions", "/audit"):
            await page.goto(path)
            assert await page.locator("img[src=x]").count() == 0
            assert await window.too_wide() == 0, path
