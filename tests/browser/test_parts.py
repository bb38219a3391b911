"""Every part of the pages in a real browser: wide and narrow, light and dark, by keyboard, with and without scripts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Route

from api.http.browser.headers import _POLICY
from api.web.assets.packed import STATIC
from api.web.page import TEMPLATES
from bench.browsing.chromium import DESK, PHONE, TABLET, WALL, Theme, Window
from tests.support.browser import watched
from tests.unit.api.web.gallery.parts import gallery

GALLERY = Path(__file__).parents[1] / "unit/api/web/gallery/gallery.html"
ROOT = "http://localhost"  # A browser lets pages copy only where it trusts the address.
TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
ZOOMED = {"width": 320, "height": 256}
"""What a window of 1280 by 1024 is at 400 %."""


@asynccontextmanager
async def looking(chromium: Browser, **arguments: Any) -> AsyncIterator[tuple[Window, list[str]]]:
    """Open the gallery without a server. Yields the window, and the addresses that forms were posted to."""
    html = TEMPLATES.from_string(GALLERY.read_text(encoding="utf-8")).render(gallery())
    posted: list[str] = []

    async def answer(route: Route) -> None:
        path = Path(route.request.url.removeprefix(ROOT))
        if path.parent.name == "static":
            await route.fulfill(body=(STATIC / path.name).read_bytes(), content_type=TYPES[path.suffix])
        elif path.name == "part":
            await route.fulfill(body='<h3 id="answer" data-focus>It works</h3>', content_type="text/html")
        elif route.request.method == "POST":
            posted.append(route.request.url)
            await route.fulfill(status=204)
        else:
            headers = {"Content-Security-Policy": _POLICY}
            await route.fulfill(body=html, content_type="text/html; charset=utf-8", headers=headers)

    async with watched(chromium, ROOT, **arguments) as window:
        await window.context.route("**/*", answer)
        await window.page.goto("/")
        yield window, posted


@pytest.mark.parametrize(("theme", "width"), [("light", DESK), ("dark", DESK), ("light", PHONE), ("dark", TABLET)])
async def test_axe_finds_nothing(chromium: Browser, theme: Theme, width: int) -> None:
    async with looking(chromium, theme=theme, width=width) as (window, _):
        assert await window.axe() == []


async def test_nothing_is_wider_than_the_window(chromium: Browser) -> None:
    async with looking(chromium) as (window, _):
        for width, height in [
            (WALL, 1080),
            (DESK, 900),
            (1180, 700),
            (1024, 700),
            (TABLET, 900),
            (PHONE, 740),
            tuple(ZOOMED.values()),
        ]:
            await window.page.set_viewport_size({"width": width, "height": height})
            assert await window.too_wide() <= 0, f"at {width}"


async def test_the_focus_is_never_hidden(chromium: Browser) -> None:
    """Neither below the header nor below the bar of what is ticked, which both stay where they are."""
    # The browser scrolls to what got the focus within a few frames.
    covered = """async () => {
      const at = document.activeElement;
      for (let frame = 0; frame < 120; frame++) {
        const box = at.getBoundingClientRect();
        const x = box.left + box.width / 2, y = box.top + Math.min(box.height, 20) / 2;
        const top = document.elementFromPoint(x, y);
        if (!box.width || top?.closest('label')?.contains(at)) return '';
        if (top && (at.contains(top) || top.contains(at))) return '';
        await new Promise(requestAnimationFrame);
      }
      const box = at.getBoundingClientRect();
      return `${at.outerHTML.slice(0, 60)} at ${box.top} to ${box.bottom} of ${innerHeight}`;
    }"""
    async with looking(chromium) as (window, _):
        await window.page.set_viewport_size({"width": DESK, "height": 500})
        await window.page.locator("tbody input[type=checkbox]").first.check()
        await window.page.evaluate("() => { scrollTo(0, 0); document.querySelector('.skip').focus() }")
        hidden = []
        for key, times in (("Tab", 60), ("Shift+Tab", 60)):
            for _ in range(times):
                await window.page.keyboard.press(key)
                hidden.append(await window.page.evaluate(covered))
        assert [one for one in hidden if one] == []


async def test_a_menu_opens_by_keyboard_without_scripts(chromium: Browser) -> None:
    async with looking(chromium, scripts=False) as (window, _):
        menu = window.page.locator("#more")
        assert not await menu.is_visible()
        await window.page.get_by_role("button", name="More about this schedule").press("Enter")
        assert await menu.get_by_role("link", name="Duplicate").is_visible()
        await window.page.keyboard.press("Escape")
        assert not await menu.is_visible()


async def test_on_a_phone_the_sections_are_in_one_menu(chromium: Browser) -> None:
    async with looking(chromium, width=PHONE, scripts=False) as (window, _):
        section = window.page.get_by_role("link", name="Calendars")
        assert not await section.is_visible()
        await window.page.get_by_role("button", name="Menu", exact=True).click()
        assert await section.is_visible()


async def test_the_bar_counts_what_is_ticked(chromium: Browser) -> None:
    async with looking(chromium) as (window, _):
        bar = window.page.locator(".bulk")
        assert not await bar.is_visible()
        ticks = window.page.locator("tbody input[type=checkbox]")
        await ticks.nth(1).check()
        assert await bar.locator("output").inner_text() == "1 selected"
        every = window.page.get_by_role("checkbox", name="Select all on this page")
        assert await every.evaluate("box => box.indeterminate")
        await every.check()
        assert await bar.locator("output").inner_text() == f"{await ticks.count()} selected"
        await every.uncheck()
        assert not await bar.is_visible()


async def test_copying_is_told(chromium: Browser) -> None:
    async with looking(chromium) as (window, _):
        await window.context.grant_permissions(["clipboard-read", "clipboard-write"])
        button = window.page.get_by_role("button", name="Copy the checksum")
        await button.click()
        await window.page.locator("#said", has_text="Copied").wait_for(state="attached")
        assert (await window.page.evaluate("navigator.clipboard.readText()")).startswith("9f86d081")


async def test_the_summary_of_faults_has_the_focus_and_leads_to_the_field(chromium: Browser) -> None:
    async with looking(chromium) as (window, _):
        focused = "document.activeElement.className || document.activeElement.id"
        assert await window.page.evaluate(focused) == "error-summary"
        await window.page.get_by_role("link", name="Enter a time, such as 09:00.").press("Enter")
        assert await window.page.evaluate("document.activeElement.id") == "at"


async def test_the_answer_to_a_click_gets_the_focus(chromium: Browser) -> None:
    async with looking(chromium) as (window, _):
        await window.page.get_by_role("button", name="Look again").click()
        await window.page.wait_for_function("document.activeElement.id === 'answer'")
        assert await window.page.locator("[data-focus]").count() == 0, "it is taken only once"


async def test_a_double_click_sends_a_form_once(chromium: Browser) -> None:
    async with looking(chromium) as (window, posted):
        await window.page.get_by_role("button", name="Run now").evaluate("button => { button.click(); button.click() }")
        await window.page.get_by_role("button", name="Undo").click()
        assert posted == [f"{ROOT}/run", f"{ROOT}/resume"]


async def test_a_notice_can_be_closed(chromium: Browser) -> None:
    async with looking(chromium) as (window, posted):
        notice = window.page.locator(".notice", has_text="Prefect is not answering")
        await notice.get_by_role("button", name="Close this notice").click()
        assert await notice.count() == 0
        assert posted == []
        assert await window.page.evaluate("document.activeElement.id") == "main"


async def test_only_the_chosen_kind_shows_its_fields(chromium: Browser) -> None:
    async with looking(chromium, scripts=False) as (window, _):
        day = window.page.get_by_label("Day", exact=True)
        assert not await day.is_visible()
        await window.page.get_by_role("radio", name="Monthly").check()
        assert await day.is_visible()


async def test_a_theme_that_was_chosen_wins(chromium: Browser) -> None:
    async with looking(chromium, theme="light") as (window, _):
        ground = "getComputedStyle(document.body).backgroundColor"
        light = await window.page.evaluate(ground)
        await window.page.evaluate("document.documentElement.dataset.theme = 'dark'")
        assert await window.page.evaluate(ground) != light
