"""Nothing that a person does is lost when a page refreshes itself, or when somebody else was faster."""

from __future__ import annotations

import re

from playwright.async_api import Page, expect

from tests.browser.conftest import Person
from tests.browser.stories.making import MONDAYS, button, ended, press, schedule, state
from tests.browser.test_wizard import add_mail, begin, go_on
from tests.support.system import System

ZOOMED = {"width": 320, "height": 256}
"""What a window of 1280 by 1024 is at 400 %."""


async def poll(page: Page, region: str) -> None:
    """Let a region refresh itself now, although it shows all there is, as it does by itself when something is new."""
    await page.evaluate(
        """region => new Promise(done => {
          const here = document.getElementById(region), path = here.getAttribute('hx-get').replace(/seen=[^&]*/, '');
          document.addEventListener('htmx:after:swap', () => done(), {once: true});
          htmx.ajax('GET', path, {source: here, target: here, swap: 'outerMorph'});
        })""",
        region,
    )


async def test_two_windows_edit_one_schedule(person: Person, system: System) -> None:
    made = schedule(system, "Edited twice", "edited@example.com")
    async with person("creator") as window:
        page = window.page
        await page.goto(f"/schedules/{made}/edit")
        await page.get_by_role("button", name="Change: Name").click()
        await page.wait_for_url("**/drafts/**")
        await page.get_by_label("Name", exact=True).fill("My name for it")
        # Meanwhile somebody gives it another one.
        system.api("PATCH", f"/schedules/{made}", {"name": "Their name for it"})
        async with page.expect_response(lambda answer: answer.request.method == "POST") as answered:
            await page.get_by_role("button", name=re.compile("^Save")).first.click()
        assert (await answered.value).status == 409
        words = await page.inner_text("main")
        assert "My name for it" in words
        assert "Their name for it" in words
        await page.get_by_role("button", name="Continue").click()
        await page.wait_for_url("**/review**")
        await page.get_by_role("button", name=re.compile("^Save")).first.click()
        await page.wait_for_url(re.compile(f"/schedules/{made}"))
        assert system.api("GET", f"/schedules/{made}")["name"] == "My name for it"


async def test_a_quick_action_on_what_has_changed_says_what(person: Person, system: System) -> None:
    made = schedule(system, "Changed under the hand", "under@example.com")
    async with person("creator", scripts=False) as window:
        page = window.page
        await page.goto(f"/schedules/{made}")
        system.api("PATCH", f"/schedules/{made}", {"timing": {**MONDAYS, "at": "10:30"}})
        await press(page, "Pause")
        assert state(system, made) == "active"
        await expect(page.get_by_role("main")).to_contain_text("10:30")
        await press(page, "Pause all the same")
        assert state(system, made) == "paused"


async def test_a_poll_of_the_list_keeps_ticks_menus_and_what_is_typed(person: Person, system: System) -> None:
    name = "Polled in the list"
    other = schedule(system, "Polled beside it", "polled@example.com")
    schedule(system, name, "polled@example.com")
    async with person("creator") as window:
        page = window.page
        await page.clock.install()
        await page.goto("/schedules?search=Polled")
        await page.get_by_label(f"Select {name}").check()
        await page.get_by_label("Search names").fill("half a wo")
        row = page.get_by_role("row").filter(has_text=name)
        await row.get_by_role("button", name=f"Actions for {name}").click()
        await expect(button(row, "Pause")).to_be_visible()
        system.api("POST", f"/schedules/{other}/pause")
        await page.clock.fast_forward(61_000)
        await expect(page.get_by_role("row").filter(has_text="Polled beside it")).to_contain_text("Paused")
        assert await page.get_by_label(f"Select {name}").is_checked()
        assert await page.get_by_label("Search names").input_value() == "half a wo"
        await expect(button(row, "Pause")).to_be_visible()
        assert await page.locator(".bulk output").inner_text() == "1 selected"
        # What came without being asked for is not read out.
        assert await page.locator("#list [role=status]").count() == 0


async def test_a_poll_of_a_run_keeps_what_is_open_and_is_silent(person: Person, system: System) -> None:
    made = schedule(system, "Polled run", "polled-run@example.com")
    async with person("creator") as window:
        page = window.page
        await page.goto(f"/schedules/{made}")
        await press(page, "Send a test to me")
        await ended(system, made)
        await page.reload()
        details = page.locator("main details").first
        await details.locator("summary").click()
        await page.evaluate(
            """() => new MutationObserver(() => (window.spoken = true)).observe(
              document.getElementById('run-state'), {childList: true, characterData: true, subtree: true})"""
        )
        await poll(page, "run")
        assert await details.evaluate("one => one.open")
        assert await page.locator("#run-state[role=status]").count() == 1
        assert not await page.evaluate("window.spoken"), "a poll without news is not announced"


async def test_nothing_scrolls_sideways_at_400_percent(person: Person, system: System) -> None:
    made = schedule(system, "Looked at from very near, with a name that takes more than one line", "near@example.com")
    async with person("creator") as window:
        page, wide = window.page, {}
        await page.set_viewport_size({"width": ZOOMED["width"], "height": ZOOMED["height"]})
        draft = await begin(page)
        await page.goto(f"{draft}/destinations")
        await add_mail(page, "near@example.com")
        await go_on(page)
        steps = [f"{draft}/{one}" for one in ("report", "frequency", "parameters", "destinations", "review")]
        for path in ("/schedules", f"/schedules/{made}", f"/schedules/{made}/run", "/schedules/new", *steps):
            await page.goto(path)
            wide[path] = await window.too_wide()
        assert {path: by for path, by in wide.items() if by > 0} == {}
