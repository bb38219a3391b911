"""`make pictures`: take pictures of the pages in docs/pictures, over sample data and a clock that stands still.

Everything is started for it in a folder of its own. ONLY=schedules,wizard-report names some pages; WIDTHS=1 also takes
them at 768 and 1920 px, into the folder that INTO names.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.async_api import Browser
from rich.console import Console

from bench.browsing.chromium import DESK, PHONE, TABLET, WALL, Theme, chromium, find, window
from bench.browsing.pages import LOOKS, Look, addresses, path_of
from bench.browsing.stage import Stage, staged
from embedded.display import Display
from embedded.ports import with_free_ports
from embedded.processes.interrupts import run_until_stopped
from embedded.system import running
from mailroom.roles import Role
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


async def take(stage: Stage, browser: Browser, into: Path) -> int:
    """Take every picture; return how many."""
    ids, count = await addresses(stage), 0
    ids |= await _drafts(stage, browser, ids)
    await stage.app.state.services.painter.settled()
    into.mkdir(parents=True, exist_ok=True)
    only = set(filter(None, os.environ.get("ONLY", "").split(",")))
    shots = (*SHOTS, *MORE) if os.environ.get("WIDTHS") else SHOTS
    for look in LOOKS:
        path = path_of(look, ids)
        if path is None or (only and look.name not in only):
            continue
        for name, theme, width in shots:
            await _take(stage, browser, look, path, (theme, width), into / f"{look.name}-{name}.png")
            count += 1
    return count


async def _drafts(stage: Stage, browser: Browser, ids: dict[str, str]) -> dict[str, str]:
    """Begin two drafts as a person does, one from a template and one from a schedule; return their ids."""
    found = {}
    begin = {"draft": "template=monday-morning&report=carrier-punctuality", "copy": f"from={ids.get('schedule', '')}"}
    async with window(browser, stage.url) as opened:
        await opened.be(stage.secrets[Role.ADMIN])
        for name, query in begin.items():
            await opened.page.goto("/reports")  # Whatever is shown is painted, so that the pictures have it.
            await opened.page.goto(f"/schedules/new?{query}")
            await opened.page.get_by_role("button", name="Continue").click()
            await opened.page.wait_for_url("**/drafts/**")
            found[name] = opened.page.url.partition("/drafts/")[2].partition("/")[0]
    return found


async def _take(stage: Stage, browser: Browser, look: Look, path: str, shot: tuple[Theme, int], file: Path) -> None:
    theme, width = shot
    async with window(browser, stage.url, theme=theme, width=width) as found:
        if look.name != "login":
            await found.be(stage.secrets[look.role])
        await found.page.goto(path)
        await found.page.wait_for_load_state("networkidle")
        await found.page.screenshot(path=file, full_page=True)


def main() -> None:
    """Start everything, take the pictures, end everything."""
    path = find()
    if path is None:
        sys.exit("There is no Chromium on the PATH. Install it, or name it by MAILROOM_CHROMIUM.")
    into = Path(os.environ.get("INTO") or FOLDER)
    with TemporaryDirectory(prefix="mailroom-pictures-") as folder:
        settings, _ = with_free_ports(Settings(data_dir=Path(folder) / "data"))

        async def work(hurry: asyncio.Event) -> int:
            async with (
                running(settings, Display(Console()), hurry=hurry),
                staged(settings, samples=True) as stage,
                chromium(path) as browser,
            ):
                print(f"{await take(stage, browser, into)} pictures are in {into}.")
            return 0

        sys.exit(run_until_stopped(work))


if __name__ == "__main__":
    main()
