"""A real page of another product, in a real browser: who may frame Mailroom, and how the log-in within the frame lasts.

Both sites use https with certificates of this test, and names of different sites: the product is 127.0.0.1, Mailroom is
localhost. So the cookie of the log-in is one of another site, as it is in real life.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from playwright.async_api import Browser as Chromium
from playwright.async_api import ConsoleMessage, Page

from api.app import create_app
from bench.browsing import chromium as chromes
from bench.browsing.in_process import Quiet
from mailroom.settings import Settings
from mailroom.storage.database import Database
from tests.integration.api.conftest import KEY
from tests.support.browser import chromium_path, watched
from tests.support.certificates import self_signed
from tests.support.prefect import NOBODY_LISTENS
from tests.support.waiting import eventually

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("embedding")]


@asynccontextmanager
async def _https(app: FastAPI, folder: Path) -> AsyncIterator[int]:
    """Serve an application by https on a port of this machine."""
    self_signed(folder)
    chain = folder / "chain.pem"
    server = Quiet(uvicorn.Config(app, port=0, lifespan="off", log_config=None, ssl_certfile=chain))
    serving = asyncio.create_task(server.serve())
    await eventually(lambda: server.started)
    (port,) = {socket.getsockname()[1] for one in server.servers for socket in one.sockets}
    yield port
    server.should_exit = True
    await serving


def _product(frames: list[str]) -> FastAPI:
    """Return another product, whose only page shows the last of these addresses in a frame."""
    app = FastAPI()

    @app.get("/", response_class=HTMLResponse)
    async def page() -> str:
        frame = f'<iframe title="Reports" src="{frames[-1]}" width="900" height="600"></iframe>'
        return f"<!doctype html><title>Product</title><h1>Product</h1>{frame}"

    return app


@asynccontextmanager
async def _mailroom(folder: Path, database: Database, allowed: str) -> AsyncIterator[tuple[str, httpx.AsyncClient]]:
    """Serve Mailroom, which these origins may frame; give its address, and a client with its key."""
    settings = Settings(
        data_dir=folder / "data",
        api_key=KEY,
        key_pepper=f"pepper {KEY}",
        prefect_api_url=NOBODY_LISTENS,
        sync_every_seconds=600,
        frame_ancestors=allowed,
    )
    app = create_app(settings, database)
    headers = {"Authorization": f"Bearer {KEY}"}
    async with app.router.lifespan_context(app), _https(app, folder) as port:
        base = f"https://localhost:{port}"
        async with httpx.AsyncClient(base_url=f"{base}/api/v1", headers=headers, verify=False) as http:
            yield base, http


async def _link(http: httpx.AsyncClient, base: str) -> str:
    """Make a user, and a one-time link as the product's server gets it; it is opened within the frame."""
    body = {"email": "ada@example.com", "name": "Ada", "external_id": "ada", "timezone": "Europe/Berlin"}
    assert (await http.post("/users", json=body)).status_code in (201, 409)
    made = (await http.post("/users/ext:ada/links", json={"purpose": "login"})).json()
    return f"{base}/login/link?token={made['link'].partition('token=')[2]}&frame=1"


async def _texts(page: Page) -> list[str]:
    return [await frame.locator("body").inner_text() for frame in page.frames if frame is not page.main_frame]


@pytest.fixture
async def chromium() -> AsyncIterator[Chromium]:
    """Start Chromium."""
    async with chromes.chromium(chromium_path()) as browser:
        yield browser


async def test_a_named_product_shows_pages_in_a_frame_and_another_does_not(
    tmp_path: Path, database: Database, chromium: Chromium
) -> None:
    (tmp_path / "product").mkdir()
    frames: list[str] = []
    async with _https(_product(frames), tmp_path / "product") as product:
        allowed = f"https://127.0.0.1:{product}"
        async with (
            _mailroom(tmp_path, database, allowed) as (base, http),
            watched(chromium, allowed, ignore_https_errors=True) as visit,
        ):
            frames.append(await _link(http, base))
            await visit.page.goto("/")
            frame = visit.page.frame_locator("iframe")
            await frame.get_by_role("button", name="Log in").click()
            await eventually(lambda: visit.page.frames[-1].url.startswith(f"{base}/schedules?frame=1"))
            # The log-in lasts within the frame, from page to page and over a form, without header and footer.
            frames.append(f"{base}/me?frame=1")
            await visit.page.goto("/")
            await frame.get_by_role("heading", name="My settings").wait_for()
            assert await frame.locator("header.site-header").count() == 0
            await frame.get_by_label("Dark").check()
            await frame.get_by_role("button", name="Save").click()
            await frame.get_by_text("Pages look like this").wait_for()
            assert visit.page.frames[-1].url == f"{base}/me?frame=1"
            await frame.get_by_role("link", name="My keys").click()
            await frame.get_by_role("heading", name="Keys", exact=True).wait_for()
            assert visit.page.frames[-1].url == f"{base}/settings/keys?frame=1"
            (cookie,) = [one for one in await visit.context.cookies() if one["name"] == "__Host-mailroom"]
            assert (cookie["sameSite"], cookie["secure"], cookie["httpOnly"]) == ("None", True, True)
            # It is the frame's alone: outside of that product nobody is logged in by it.
            await visit.page.goto(f"{base}/me")
            assert "/login" in visit.page.url


def _note(told: list[str], message: ConsoleMessage) -> None:
    told.append(message.text)


def _names_frames(told: list[str]) -> bool:
    return any("frame-ancestors" in text for text in told)


async def test_a_product_that_is_not_named_shows_nothing(
    tmp_path: Path, database: Database, chromium: Chromium
) -> None:
    (tmp_path / "product").mkdir()
    frames: list[str] = []
    async with _https(_product(frames), tmp_path / "product") as product:
        for allowed in ("", "https://other.example"):
            async with _mailroom(tmp_path, database, allowed) as (base, http):
                frames.append(await _link(http, base))
                context = await chromium.new_context(ignore_https_errors=True)
                page = await context.new_page()
                refused: list[str] = []
                page.on("console", partial(_note, refused))
                await page.goto(f"https://127.0.0.1:{product}/")
                await eventually(partial(_names_frames, refused))
                assert not any("Log in" in text for text in await _texts(page))
                await context.close()
