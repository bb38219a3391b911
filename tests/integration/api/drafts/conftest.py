"""The application with a report and connections, and people with browsers at its wizard."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from mailroom.storage.database import Database
from tests.integration.api.conftest import SCHEDULE, _fill
from tests.integration.api.login.conftest import OWN_PAGE, Browser, Site, serving, settings_of
from tests.support.html_page import HtmlPage

REPORT = str(SCHEDULE["report_id"])
BODY: dict[str, Any] = {name: value for name, value in SCHEDULE.items() if name != "name"}


@pytest.fixture
async def site(tmp_path: Path, database: Database) -> AsyncIterator[Site]:
    """The application, whose connections may be used by everybody who creates; Prefect is down."""
    await _fill(database)
    async with serving(settings_of(tmp_path), database) as made:
        for name in ("shared", "warehouse", "corp-smtp"):
            await made.json("PUT", f"/connections/{name}/grants", 200, json={"roles": ["creator"]})
        yield made


async def load(browser: Browser, path: str, status: int = 200) -> HtmlPage:
    """Return a page."""
    answer = await browser.get(path)
    assert answer.status_code == status, answer.text
    return HtmlPage(answer.text)


async def send(browser: Browser, path: str, pairs: list[tuple[str, str]]) -> httpx.Response:
    """Send a form as a browser does."""
    headers = {**OWN_PAGE, "Content-Type": "application/x-www-form-urlencoded", "Accept": "text/html"}
    return await browser.post(path, content=urlencode(pairs), headers=headers)


async def fill(browser: Browser, path: str, go: str = "next", **changes: str | list[str]) -> httpx.Response:
    """Load a step, change some fields, and press a button."""
    page = await load(browser, path)
    return await send(browser, path.partition("?")[0], page.forms["step"].filled((), go=go, **changes))


async def draft_of(site: Site, owner: str, **wanted: Any) -> str:
    """Return the id of a new draft of a person."""
    made = await site.json("POST", "/drafts", 201, json=wanted, headers={"X-Act-For": f"ext:{owner}"})
    return str(made["id"])
