"""`make pictures`: take pictures of the pages in docs/pictures, over sample data and a clock that stands still.

Everything is started for it in a folder of its own. The documentation has the upper part of some pages. INTO=folder
takes every page, and the whole of it, to look at: ONLY=schedules,wizard-report names some, WIDTHS=1 also takes them at
768 and 1920 px.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.async_api import Browser, FloatRect
from rich.console import Console

from bench.browsing.chromium import DESK, PHONE, TABLET, WALL, Theme, chromium, find, window
from bench.browsing.pages import LOOKS, Look, addresses, path_of
from bench.browsing.stage import Stage, staged
from embedded.display import Display
from embedded.ports import with_free_ports
from embedded.processes.interrupts import run_until_stopped
from embedded.system import running
from mailroom.settings import CHECKOUT, Settings

FOLDER = CHECKOUT / "docs" / "pictures"
SHOTS: tuple[tuple[str, Theme, int], ...] = (
    ("light", "light", DESK),
    ("dark", "dark", DESK),
    ("phone", "light", PHONE),
)
MORE: tuple[tuple[str, Theme, int], ...] = (
    ("tablet", "light", TABLET),
    ("wall", "light", WALL),
    ("phone-dark", "dark", PHONE),
)


PICTURED = ("schedules", "schedule", "schedule-as-code", "execution-partial", "wizard-frequency", "monitoring")
"""The pages of the documentation; all together are to stay below 2.5 MB."""
UPPER = 1100
"""So much of a page is in a picture of the documentation, in pixels."""


async def take(stage: Stage, browser: Browser, into: Path | None) -> int:
    """Take every picture; return how many.

    Args:
        into: where every page goes as a whole; None for the pictures of the documentation.
    """
    ids, count = await addresses(stage, browser), 0
    target = into or FOLDER
    await stage.app.state.services.painter.settled()
    target.mkdir(parents=True, exist_ok=True)
    only = set(filter(None, os.environ.get("ONLY", "").split(","))) or (set() if into else set(PICTURED))
    shots = (*SHOTS, *MORE) if into and os.environ.get("WIDTHS") else SHOTS
    for look in LOOKS:
        path = path_of(look, ids)
        if path is None or (only and look.name not in only):
            continue
        for name, theme, width in shots:
            file = target / f"{look.name}-{name}.png"
            await _take(stage, browser, look, path, (theme, width), file, whole=into is not None)
            count += 1
    return count


async def _take(
    stage: Stage, browser: Browser, look: Look, path: str, shot: tuple[Theme, int], file: Path, *, whole: bool
) -> None:
    theme, width = shot
    async with window(browser, stage.url, theme=theme, width=width) as found:
        if look.name != "login":
            await found.be(stage.secrets[look.role])
        await found.page.goto(path)
        await found.page.wait_for_load_state("networkidle")
        height = await found.page.evaluate("document.documentElement.scrollHeight")
        shown = height if whole else min(height, UPPER)
        clip: FloatRect = {"x": 0, "y": 0, "width": width, "height": shown}
        await found.page.screenshot(path=file, full_page=True, clip=clip)


def main() -> None:
    """Start everything, take the pictures, end everything."""
    path = find()
    if path is None:
        sys.exit("There is no Chromium on the PATH. Install it, or name it by MAILROOM_CHROMIUM.")
    into = Path(os.environ["INTO"]) if os.environ.get("INTO") else None
    with TemporaryDirectory(prefix="mailroom-pictures-") as folder:
        settings, _ = with_free_ports(Settings(data_dir=Path(folder) / "data"))

        async def work(hurry: asyncio.Event) -> int:
            async with (
                running(settings, Display(Console()), hurry=hurry),
                staged(settings, samples=True) as stage,
                chromium(path) as browser,
            ):
                print(f"{await take(stage, browser, into)} pictures are in {into or FOLDER}.")
            return 0

        sys.exit(run_until_stopped(work))


if __name__ == "__main__":
    main()
