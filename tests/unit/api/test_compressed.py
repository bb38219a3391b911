"""Which answers travel compressed, and that they are the same pages."""

from __future__ import annotations

import gzip

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from api.http.browser.compressed import Compressed, compressed

PAGE = "<!doctype html>" + "<p>sales@example.com</p>" * 200


async def _page(_request: object) -> Response:
    return HTMLResponse(PAGE)


async def _short(_request: object) -> Response:
    return HTMLResponse("<p>Gone</p>")


async def _data(_request: object) -> Response:
    return JSONResponse(["sales"] * 1000)


def _browser() -> httpx.AsyncClient:
    routes = [Route("/page", _page, methods=["GET", "POST"]), Route("/short", _short), Route("/data", _data)]
    app = Compressed(Starlette(routes=routes))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://mailroom")


async def test_a_page_is_compressed_and_still_the_page() -> None:
    async with _browser() as browser:
        answer = await browser.get("/page", headers={"Sec-Fetch-Site": "same-origin"})
    assert answer.headers["content-encoding"] == "gzip"
    assert {"Accept-Encoding", "Sec-Fetch-Site"} <= {one.strip() for one in answer.headers["vary"].split(",")}
    assert answer.text == PAGE
    assert int(answer.headers["content-length"]) < 400


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", "/page", {"Sec-Fetch-Site": "cross-site"}),
        ("GET", "/page", {"Sec-Fetch-Site": "same-site"}),
        ("GET", "/page", {"Accept-Encoding": "identity"}),
        ("POST", "/page", {}),
        ("GET", "/short", {}),
        ("GET", "/data", {}),
    ],
)
async def test_what_is_left_as_it_is(method: str, path: str, headers: dict[str, str]) -> None:
    async with _browser() as browser:
        answer = await browser.request(method, path, headers=headers)
    assert answer.status_code == 200
    assert "content-encoding" not in answer.headers


def test_the_length_varies_by_chance() -> None:
    found = [compressed(PAGE.encode()) for _ in range(50)]
    assert all(gzip.decompress(one) == PAGE.encode() for one in found)
    assert len({len(one) for one in found}) > 10
