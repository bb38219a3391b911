"""The session is over, or it is somebody else's by now."""

from __future__ import annotations

import re

from playwright.async_api import expect

from tests.browser.conftest import Person
from tests.browser.stories.making import press, schedule, state
from tests.browser.test_wizard import add_mail, begin
from tests.support.system import System


async def test_a_form_leads_to_the_log_in_and_back(person: Person, system: System) -> None:
    made = schedule(system, "Paused too late", "late@example.com")
    async with person("creator") as window:
        page = window.page
        await page.goto(f"/schedules/{made}?state=failed")
        system.expire_sessions("creator")
        await press(page, "Pause")
        await page.wait_for_url("**/login**")
        assert f"%2Fschedules%2F{made}" in page.url
        assert state(system, made) == "active"
        assert await page.locator("input[name=next]").first.get_attribute("value") == f"/schedules/{made}?state=failed"


async def test_a_page_that_polls_leads_to_the_log_in(person: Person, system: System) -> None:
    async with person("creator") as window:
        page = window.page
        await page.clock.install()
        await page.goto("/schedules")
        system.expire_sessions("creator")
        await page.clock.fast_forward(61_000)
        await page.wait_for_url("**/login?next=%2Fschedules")


async def test_what_was_typed_is_shown_to_its_writer_alone(person: Person, system: System) -> None:
    typed = "typed-too-late@example.com"
    async with person("creator") as window:
        page = window.page
        draft = await begin(page)
        await page.goto(f"{draft}/destinations")
        await add_mail(page, "")
        # What the page sends by itself while somebody types would lead to the log-in before the button does.
        await page.route(re.compile(r"/destinations(/people|/preview|\?save)"), lambda route: route.fulfill(status=204))
        await page.get_by_role("textbox", name="To", exact=True).fill(typed)
        system.expire_sessions("creator")
        await page.get_by_role("button", name="Continue").click()
        await page.wait_for_url("**/login**")
        for role in ("viewer", "admin"):
            await window.context.clear_cookies()
            await window.log_in(system.link(role))
            await page.goto(f"{draft}/destinations")
            assert typed not in await page.content(), role
        await window.context.clear_cookies()
        await window.log_in(system.link("creator"))
        await page.goto(f"{draft}/destinations")
        assert await page.get_by_role("textbox", name="To", exact=True).input_value() == typed


async def test_a_form_of_one_person_is_not_taken_from_another(person: Person, system: System) -> None:
    made = schedule(system, "Not the admin's click", "click@example.com")
    async with person("creator") as window:
        page = window.page
        await page.goto(f"/schedules/{made}")
        other = await window.context.new_page()
        await window.context.clear_cookies()
        await other.goto(system.link("admin"))
        await other.get_by_role("button").first.click()
        await other.wait_for_load_state()
        await press(page, "Pause")
        assert state(system, made) == "active"
        await expect(page.get_by_role("heading", level=1)).to_contain_text("Not done")


async def test_back_after_logging_out_shows_nothing_private(person: Person, system: System) -> None:
    schedule(system, "For my eyes only", "eyes@example.com")
    async with person("creator") as window:
        page = window.page
        await page.goto("/schedules?search=For+my+eyes")
        await expect(page.get_by_role("link", name="For my eyes only")).to_be_visible()
        await page.goto("/me")
        await page.get_by_role("button", name="Creator Tester").click()
        await page.get_by_role("button", name="Log out", exact=True).first.click()
        await page.wait_for_url(lambda url: "/me" not in url)
        for _ in range(2):
            await page.go_back()
            assert "For my eyes only" not in await page.content()
            assert "creator@example.com" not in await page.content()
