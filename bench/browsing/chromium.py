"""Find the machine's Chromium, open windows in it, and ask axe about what they show."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright

from mailroom.settings import CHECKOUT

Theme = Literal["light", "dark"]
PHONE, TABLET, DESK, WALL = 360, 768, 1280, 1920
HEIGHTS = {PHONE: 740, TABLET: 1024, DESK: 900, WALL: 1080}
NAMES = ("chromium", "chromium-browser", "google-chrome")
# Chromium calls home as soon as it starts, which a closed network refuses.
_QUIET = (
    *("--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--disable-default-apps", "--hide-scrollbars"),
)
# An answer that refuses is what many a test asks for; the console calls each of them an error.
_REFUSED = re.compile(r"the server responded with a status of (4\d\d|503)")
_AXE = CHECKOUT / "node_modules" / "axe-core" / "axe.min.js"
_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def find() -> Path | None:
    """Return where Chromium is: where MAILROOM_CHROMIUM says, or the first of `NAMES` on the PATH; None without one."""
    if named := os.environ.get("MAILROOM_CHROMIUM"):
        return Path(named)
    return next((Path(found) for name in NAMES if (found := shutil.which(name))), None)


@asynccontextmanager
async def chromium(path: Path) -> AsyncIterator[Browser]:
    """Start the browser without showing it."""
    # Root cannot have the sandbox.
    arguments = [*_QUIET, "--no-sandbox"] if os.geteuid() == 0 else list(_QUIET)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=arguments)
        yield browser
        await browser.close()


@dataclass
class Window:
    """One person's window: a page, and what the console complained of."""

    page: Page
    context: BrowserContext
    complaints: list[str] = field(default_factory=list)

    def hear(self, message: ConsoleMessage) -> None:
        """Note a message of the console that is a complaint."""
        if message.type == "error" and not _REFUSED.search(message.text):
            self.complaints.append(f"{self.page.url}: {message.text}")

    async def log_in(self, link: str) -> None:
        """Use a one-time link up."""
        await self.page.goto(link)
        await self.page.get_by_role("button").first.click()
        await self.page.wait_for_load_state()

    async def be(self, secret: str) -> None:
        """Go on in a session whose secret is known."""
        await self.context.add_cookies([{"name": "mailroom", "value": secret, "domain": "127.0.0.1", "path": "/"}])

    async def axe(self) -> list[str]:
        """Return what axe finds wrong on the page: the rule, what it says, and the first places."""
        await self.page.evaluate(_AXE.read_text())
        found: dict[str, Any] = await self.page.evaluate(
            "tags => axe.run(document, {runOnly: {type: 'tag', values: tags}, resultTypes: ['violations']})", _TAGS
        )
        return [
            f"{one['id']}: {one['help']} at {[node['target'] for node in one['nodes'][:3]]}"
            for one in found["violations"]
        ]

    async def too_wide(self) -> int:
        """Return by how many pixels the page is wider than the window."""
        root = "document.documentElement"
        found: int = await self.page.evaluate(f"{root}.scrollWidth - {root}.clientWidth")
        return found


@asynccontextmanager
async def window(
    browser: Browser,
    base_url: str,
    *,
    theme: Theme = "light",
    width: int = DESK,
    scripts: bool = True,
    **more: Any,
) -> AsyncIterator[Window]:
    """Open a window with cookies of its own, of somebody in Berlin."""
    context = await browser.new_context(
        base_url=base_url,
        color_scheme=theme,
        viewport={"width": width, "height": HEIGHTS.get(width, 900)},
        java_script_enabled=scripts,
        timezone_id="Europe/Berlin",
        locale="en-GB",
        reduced_motion="reduce",
        **more,
    )
    context.set_default_timeout(60_000)  # Of a machine that has much else to do.
    found = Window(await context.new_page(), context)
    found.page.on("console", found.hear)
    found.page.on("pageerror", lambda error: found.complaints.append(f"{found.page.url}: {error}"))
    try:
        yield found
    finally:
        await context.close()
