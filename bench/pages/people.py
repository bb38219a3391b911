"""Time two people who make the same schedule in a whole system: one by keys alone, one with a mouse."""

from __future__ import annotations

import asyncio
import re
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
from playwright.async_api import Browser, Page
from rich.console import Console

from bench.browsing import walks
from bench.browsing.chromium import chromium, window
from bench.browsing.keyboard import Keyboard
from bench.browsing.mouse import Mouse
from embedded.display import Display
from embedded.ports import with_free_ports
from embedded.system import running
from mailroom.settings import Settings

KEY_SECONDS, DECISION_SECONDS = 0.2, 1.0
"""Five keys a second, and a second for each decision."""
REPORT = "Carrier punctuality"
_MADE = re.compile(r"/schedules/[0-9a-f-]{36}")
Walk = Callable[[Page], Awaitable[None]]


async def people(path: Path) -> dict[str, Any]:
    """Start everything in a folder of its own; return the seconds from the home page to the page of the schedule."""
    with tempfile.TemporaryDirectory(prefix="bench-people-") as folder:
        settings, _ = with_free_ports(Settings(data_dir=Path(folder) / "data"))
        async with running(settings, Display(Console()), hurry=asyncio.Event()), chromium(path) as browser:
            return {
                "keyboard_create_s": await _timed(browser, settings, "keys", _by_keys),
                "wizard_s": await _timed(browser, settings, "mouse", _by_mouse),
            }


async def _by_keys(page: Page) -> None:
    keys = Keyboard(page, key_seconds=KEY_SECONDS, decision_seconds=DECISION_SECONDS)
    await walks.create(keys, REPORT, "keys@example.com")


async def _by_mouse(page: Page) -> None:
    mouse = Mouse(page, key_seconds=KEY_SECONDS, decision_seconds=DECISION_SECONDS)
    await walks.create_by_mouse(mouse, REPORT, "mouse@example.com")


async def _timed(browser: Browser, settings: Settings, who: str, walk: Walk) -> float:
    url = f"http://{settings.host}:{settings.api_port}"
    link = await asyncio.to_thread(_link, url, (settings.data_dir / "api-key").read_text().strip(), who)
    async with window(browser, url) as found:
        await found.log_in(link)
        await found.page.goto("/schedules")
        await found.page.wait_for_load_state("networkidle")
        began = time.perf_counter()
        await walk(found.page)
        took = time.perf_counter() - began
        if not _MADE.search(found.page.url):
            raise AssertionError(f"The schedule was not made; the window is at {found.page.url}.")
    return round(took, 1)


def _link(url: str, key: str, who: str) -> str:
    """Make a creator, and return a link that logs the person in."""
    headers = {"Authorization": f"Bearer {key}"}
    with httpx.Client(base_url=f"{url}/api/v1", headers=headers, timeout=60, trust_env=False) as http:
        body = {"email": f"{who}@example.com", "name": who, "role": "creator", "external_id": f"bench-{who}"}
        http.post("/users", json={**body, "timezone": "Europe/Berlin"}).raise_for_status()
        made = http.post(f"/users/ext:bench-{who}/links", json={"purpose": "login"}).raise_for_status()
        return str(made.json()["link"])
