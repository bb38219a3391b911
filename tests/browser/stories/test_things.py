"""Say what schedules are made of: connections, reports and calendars."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, date, datetime, timedelta

from playwright.async_api import expect

from tests.browser.conftest import Person
from tests.browser.stories.making import MONDAYS, WITH_AND_WITHOUT, mails_to, schedule
from tests.support.system import System


@WITH_AND_WITHOUT
async def test_a_connection_is_made_checked_tested_and_kept_while_it_is_used(
    person: Person, system: System, scripts: bool
) -> None:
    name = f"story-mail-{'on' if scripts else 'off'}"
    async with person("admin", scripts=scripts) as window:
        page = window.page
        await page.goto("/connections/new")
        await page.get_by_role("link", name="E-mail", exact=False).first.click()
        await page.get_by_label("Name", exact=True).fill(name)
        await page.get_by_label("Sender's address").fill(f"{name}@example.com")
        await page.get_by_label("Server", exact=True).first.fill("127.0.0.1")
        await page.get_by_label(re.compile("^None")).first.check()
        await page.get_by_label(re.compile("^Port")).first.fill(str(system.ports["MAIL_SMTP_PORT"]))
        await page.get_by_text("More settings").click()
        await page.get_by_label(re.compile("^Allow a connection without")).check()
        await page.get_by_role("button", name="Check first").click()
        await expect(page.locator("#result-card li").first).to_be_visible()
        await page.get_by_role("button", name="Make the connection").click()
        await page.wait_for_url(f"**/connections/{name}")
        await page.get_by_role("button", name="Check connection").click()
        await expect(page.locator("#result-card li").first).to_be_visible()
        assert await page.locator("#result-card li").count() > 1, "its steps"
        await page.get_by_role("button", name="Send the test").click()
        await expect(page.locator("#result-card")).to_contain_text("admin@example.com")
        assert any(name in one["from"] for one in await asyncio.to_thread(mails_to, system, "admin@example.com"))
        mail = {"channel": "email", "connection": name, "to": ["used@example.com"]}
        schedule(system, f"Sends by {name}", owner="admin", destinations=[mail])
        await page.goto(f"/connections/{name}/delete")
        await expect(page.get_by_role("link", name=f"Sends by {name}")).to_be_visible()
        assert await page.get_by_role("button", name=re.compile("^Delete")).count() == 0
        system.api("DELETE", f"/connections/{name}", status=409)


@WITH_AND_WITHOUT
async def test_the_preview_of_a_report_is_in_a_sandbox(person: Person, scripts: bool) -> None:
    async with person("creator", scripts=scripts) as window:
        page = window.page
        await page.goto("/reports/carrier-punctuality")
        await page.get_by_role("button", name="Show the data").click()
        frame = page.locator("iframe.preview")
        await expect(frame).to_have_attribute("sandbox", "", timeout=60_000)
        assert await frame.get_attribute("title")
        await expect(page.frame_locator("iframe.preview").get_by_role("heading").first).to_be_visible()
        alone = await page.request.get(await frame.get_attribute("src") or "")
        assert alone.headers["content-security-policy"].startswith("sandbox")


async def test_a_calendar_says_what_it_moves_before_it_is_saved(person: Person, system: System) -> None:
    system.api("POST", "/calendars", {"id": "story", "title": "Story days", "weekend": ["sat", "sun"]}, status=201)
    monday = next_monday()
    made = schedule(
        system,
        "On the story days",
        "calendar@example.com",
        owner="admin",
        timing={**MONDAYS, "calendar": "story", "on_holiday": "next"},
    )
    async with person("admin") as window:
        page = window.page
        await page.goto("/calendars/story/edit")
        await page.get_by_label("Further days off").fill(f"{monday} A day of stories")
        await page.get_by_role("button", name="Continue").click()
        await expect(page.get_by_role("link", name="On the story days")).to_be_visible()
        assert system.api("GET", "/calendars/story")["holidays"] == [], "nothing is saved yet"
        await page.get_by_role("button", name="Save the calendar").click()
        await page.wait_for_url("**/calendars/story")
        (first, *_) = system.api("GET", f"/schedules/{made}")["next_runs"]
        assert first["at"][:10] == f"{monday + timedelta(days=1)}"


def next_monday() -> date:
    """Return the Monday after the coming one in UTC, so that it lies ahead in every zone."""
    today = datetime.now(UTC).date()
    return today + timedelta(days=7 - today.weekday())
