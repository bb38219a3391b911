"""A real Chromium to look at pages with. A message of the console about an error, or about the policy, fails the test.

The browser is the machine's own: MAILROOM_CHROMIUM, or the first of chromium, chromium-browser and google-chrome.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright

from tests.support.programs import needs

Theme = Literal["light", "dark"]
PHONE, TABLET, DESK, WALL = 360, 768, 1280, 1920
HEIGHTS = {PHONE: 740, TABLET: 1024, DESK: 900, WALL: 1080}
_QUIET = (
    *("--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--disable-default-apps", "--hide-scrollbars"),
)
# An answer that refuses is what many a test asks for; the console calls each of them an error.
_REFUSED = re.compile(r"the server responded with a status of (4\d\d|503)")
AXE = Path(__file__).resolve().parents[2] / "node_modules" / "axe-core" / "axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def chromium_path() -> Path:
    """Return where Chromium is; without it the test is skipped, and in CI it fails."""
    named = os.environ.get("MAILROOM_CHROMIUM")
    if named:
        return Path(named)
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return Path(found)
    return needs("chromium", "chromium")


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Start a browser without a window."""
    path = chromium_path()
    # Root has no sandbox to start it in.
    arguments = [*_QUIET, "--no-sandbox"] if os.geteuid() == 0 else list(_QUIET)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=arguments)
        yield browser
        await browser.close()


@dataclass
class Visit:
    """One person's window: a page, and what the console said of it."""

    page: Page
    context: BrowserContext
    complaints: list[str] = field(default_factory=list)

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not _REFUSED.search(message.text):
            self.complaints.append(f"{self.page.url}: {message.text}")

    async def log_in(self, link: str) -> None:
        """Use a one-time link up."""
        await self.page.goto(link)
        await self.page.get_by_role("button").first.click()
        await self.page.wait_for_load_state()

    async def axe(self) -> list[str]:
        """Return what axe finds on the page: rule, help and the first places."""
        await self.page.evaluate(AXE.read_text())
        found: dict[str, Any] = await self.page.evaluate(
            "tags => axe.run(document, {runOnly: {type: 'tag', values: tags}, resultTypes: ['violations']})", TAGS
        )
        return [
            f"{one['id']}: {one['help']} at {[node['target'] for node in one['nodes'][:3]]}"
            for one in found["violations"]
        ]

    async def overflow(self) -> int:
        """Return by how many pixels the page is wider than the window."""
        found: int = await self.page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        return found


@asynccontextmanager
async def visit(
    browser: Browser,
    base_url: str,
    *,
    theme: Theme = "light",
    width: int = DESK,
    scripts: bool = True,
    zone: str = "Europe/Berlin",
    **more: Any,
) -> AsyncIterator[Visit]:
    """Open a window of its own, with cookies of its own; at its end the console must have had nothing to say."""
    context = await browser.new_context(
        base_url=base_url,
        color_scheme=theme,
        viewport={"width": width, "height": HEIGHTS.get(width, 900)},
        java_script_enabled=scripts,
        timezone_id=zone,
        locale="en-GB",
        reduced_motion="reduce",
        **more,
    )
    context.set_default_timeout(20_000)
    found = Visit(await context.new_page(), context)
    found.page.on("console", found._hear)
    found.page.on("pageerror", lambda error: found.complaints.append(f"{found.page.url}: {error}"))
    try:
        yield found
        if found.complaints:
            pytest.fail("The console said: " + "; ".join(found.complaints))
    finally:
        await context.close()
