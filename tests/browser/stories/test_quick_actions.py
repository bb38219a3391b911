"""Every quick action of a schedule, from its page and from the menu of its row in the list."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Person
from tests.browser.stories.making import (
    ALL,
    RUN,
    WITH_AND_WITHOUT,
    ended,
    mails_to,
    press,
    press_in_row,
    runs,
    schedule,
    state,
    undo,
)
from tests.support.system import System


@WITH_AND_WITHOUT
async def test_pause_undo_pause_resume_on_the_page(person: Person, system: System, scripts: bool) -> None:
    made = schedule(system, "Paused on its page", "paused@example.com")
    async with person("creator", scripts=scripts) as window:
        page = window.page
        await page.goto(f"/schedules/{made}")
        await press(page, "Pause")
        assert state(system, made) == "paused"
        await expect(page.get_by_role("heading", level=1)).to_contain_text("Paused")
        await undo(page)
        assert state(system, made) == "active"
        assert await page.locator("#notices").get_by_role("button", name="Undo").count() == 1, "of the resumption alone"
        await press(page, "Pause")
        await press(page, "Resume")
        assert state(system, made) == "active"


async def test_pause_and_resume_in_the_row(person: Person, system: System) -> None:
    made = schedule(system, "Paused in its row", "paused-row@example.com")
    async with person("creator") as window:
        page = window.page
        listed = "/schedules?search=Paused+in+its+row"
        await page.goto(listed)
        await press_in_row(page, "Paused in its row", "Pause")
        assert page.url.endswith(listed), "the filter stays"
        assert state(system, made) == "paused"
        await undo(page)
        assert state(system, made) == "active"
        await press_in_row(page, "Paused in its row", "Pause")
        await press_in_row(page, "Paused in its row", "Resume")
        assert state(system, made) == "active"


async def test_run_now_names_whom_it_reaches_and_mails_once(person: Person, system: System) -> None:
    made = schedule(system, "Run twice by a hasty hand", "hasty-one@example.com", "hasty-two@example.com")
    async with person("creator") as window:
        page = window.page
        await page.goto("/schedules?search=hasty")
        await press_in_row(page, "Run twice by a hasty hand", "Run now …")
        words = await page.inner_text("main")
        assert "hasty-one@example.com" in words
        assert "hasty-two@example.com" in words
        assert runs(system, made) == [], "the page only asks"
        await page.get_by_role("button", name=re.compile("2 people")).dblclick()
        await page.wait_for_url(RUN)
        assert len(await ended(system, made)) == 1
        await expect(page.get_by_role("heading", level=1)).to_contain_text("Delivered")
        for one in ("hasty-one@example.com", "hasty-two@example.com"):
            assert len(await asyncio.to_thread(mails_to, system, one)) == 1


@pytest.mark.skipif(not ALL, reason="make test-pages walks every story")
async def test_a_double_click_without_scripts_runs_once(person: Person, system: System) -> None:
    made = schedule(system, "Run twice without scripts", "hasty-three@example.com")
    async with person("creator", scripts=False) as window:
        page = window.page
        await page.goto(f"/schedules/{made}")
        await press(page, "Run now")
        await page.get_by_role("button", name=re.compile("1 person")).dblclick()
        await page.wait_for_url(RUN)
        assert len(await ended(system, made)) == 1
        assert len(await asyncio.to_thread(mails_to, system, "hasty-three@example.com")) == 1


async def test_the_receipt_of_a_test_comes_in_on_its_page(person: Person, system: System) -> None:
    made = schedule(system, "Tested by its owner", "never@example.com")
    async with person("creator") as window:
        page = window.page
        await page.goto(f"/schedules/{made}")
        await press(page, "Send a test to me")
        assert RUN.search(page.url)
        loaded = await page.evaluate("performance.timeOrigin")
        await expect(page.get_by_role("heading", level=1)).to_contain_text("Delivered", timeout=60_000)
        row = page.get_by_role("row").filter(has_text="creator@example.com")
        await expect(row).to_contain_text("250", timeout=60_000)  # What the mail server answered.
        assert await page.evaluate("performance.timeOrigin") == loaded, "nothing was loaded anew"
        assert await asyncio.to_thread(mails_to, system, "never@example.com") == []
        assert any("Test" in one["subject"] for one in await asyncio.to_thread(mails_to, system, "creator@example.com"))


async def test_a_duplicate_starts_paused(person: Person, system: System) -> None:
    made = schedule(system, "Copied", "copied@example.com")
    async with person("creator") as window:
        page = window.page
        await page.goto(f"/schedules/{made}")
        await press(page, "Duplicate", more=True)
        await page.get_by_role("button", name="Continue").click()
        await page.wait_for_url("**/drafts/**")
        await page.goto(re.sub("/[a-z]+([?#].*)?$", "/review", page.url))
        await page.get_by_label("Name", exact=True).fill("Copy of it")
        await page.get_by_role("button", name="Save paused").click()
        await page.wait_for_url(re.compile("/schedules/[0-9a-f-]{36}"))
        copy = page.url.rsplit("/", 1)[1].partition("?")[0]
        assert copy != made
        assert state(system, copy) == "paused"
        sent = system.api("GET", f"/schedules/{copy}")["destinations"][0]
        assert sent["to"] == ["copied@example.com"]
        assert state(system, made) == "active"


async def test_a_template_of_a_schedule_is_kept_and_used(person: Person, system: System) -> None:
    made = schedule(system, "Worth keeping", "kept-in-a-template@example.com")
    async with person("creator") as window:
        page = window.page
        await page.goto(f"/schedules/{made}")
        await press(page, "Save as template", more=True)
        await page.get_by_label("Title", exact=True).fill("A template to use")
        await page.get_by_role("button", name="Save the template").click()
        await page.wait_for_url("**/templates")
        await page.get_by_role("link", name="Use A template to use").click()
        await page.get_by_role("button", name="Continue").click()
        await page.wait_for_timeout(2000)
        await page.wait_for_url("**/drafts/**")
        await page.goto(re.sub("/[a-z]+([?#].*)?$", "/review", page.url))
        await expect(page.get_by_text("kept-in-a-template@example.com").first).to_be_visible()


async def test_an_admin_gives_a_schedule_to_another_owner(person: Person, system: System) -> None:
    made = schedule(system, "Handed over", "handed@example.com")
    async with person("admin") as window:
        page = window.page
        await page.goto(f"/schedules/{made}")
        await press(page, "Reassign", more=True)
        await page.get_by_label("New owner").select_option(label="Admin Tester (admin@example.com)")
        await page.get_by_role("button", name="Reassign").click()
        await page.wait_for_url(f"**/schedules/{made}")
        admin, creator = (system.api("GET", f"/users/ext:test-{role}")["id"] for role in ("admin", "creator"))
        assert system.api("GET", f"/schedules/{made}")["owner"] == admin
        await undo(page)
        assert system.api("GET", f"/schedules/{made}")["owner"] == creator


async def test_a_backfill_says_how_many_before_it_runs(person: Person, system: System) -> None:
    made = schedule(
        system, "Run again", "again@example.com", timing={"frequency": "daily", "at": "00:00", "timezone": "UTC"}
    )
    today = datetime.now(UTC).date()
    async with person("creator") as window:
        page = window.page
        await page.goto(f"/schedules/{made}")
        await press(page, "Backfill", more=True)
        for label in ("From", "Until"):
            await page.get_by_label(label, exact=True).fill(f"{today}")
        await page.get_by_role("button", name="Show what would run").click()
        await expect(page.get_by_role("heading", name="1 run would start")).to_be_visible()
        assert runs(system, made) == [], "the page only asks"
        await page.get_by_role("button", name="Run 1 run").click()
        await page.wait_for_url(re.compile(f"/schedules/{made}"))
        (one,) = await ended(system, made)
        assert one["kind"] == "backfill"
        assert one["status"] == "success"


@pytest.mark.parametrize("place", ["page", "row"])
async def test_delete_and_undo(person: Person, system: System, place: str) -> None:
    name = f"Deleted in its {place}"
    made = schedule(system, name, "deleted@example.com")
    async with person("creator") as window:
        page = window.page
        if place == "page":
            await page.goto(f"/schedules/{made}")
            await press(page, "Delete", more=True)
        else:
            await page.goto("/schedules?search=Deleted+in+its+row")
            await press_in_row(page, name, "Delete")
        found = system.api("GET", f"/schedules/{made}")
        assert found["state"] == "deleted"
        assert datetime.fromisoformat(found["delete_after"]) > datetime.now(UTC)
        assert await page.get_by_role("link", name=name, exact=True).count() == 0, "the list leaves it out"
        await page.reload()
        await undo(page)
        found = system.api("GET", f"/schedules/{made}")
        assert found["state"] == "active"
        assert found["delete_after"] is None


async def test_the_page_of_a_deleted_schedule_offers_to_undo_it(person: Person, system: System) -> None:
    made = schedule(system, "Deleted and looked at", "deleted-page@example.com")
    system.api("DELETE", f"/schedules/{made}", status=204)
    async with person("creator", scripts=False) as window:
        await window.page.goto(f"/schedules/{made}")
        await press(window.page, "Undo the deletion")
        assert state(system, made) == "active"
