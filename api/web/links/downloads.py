"""Show the page of a link to files, and send the files. It needs no log-in, and shows no way to one.

Programs open each link of a mail to look at it, so the page changes nothing and records nothing; a file that is fetched
is recorded.
"""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, HTMLResponse
from starlette.types import Receive, Scope, Send

from api.actions.links import visitors
from api.http.browser.pages import page
from api.http.dependencies import ServicesDep
from api.http.sandbox import SANDBOX
from api.web.links.requests import visitor_of
from mailroom.errors import Gone
from mailroom.links.tokens import Purpose

router = APIRouter(prefix=f"/{Purpose.DOWNLOAD}", include_in_schema=False)
UNLISTED = {"X-Robots-Tag": "noindex"}
_LONGEST_NUMBER = 4


class WholeFile(FileResponse):
    """A file that is sent from its beginning to its end: one that is fetched in parts would count many times."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the file, whatever part of it was asked for."""
        headers = [(name, value) for name, value in scope["headers"] if name != b"range"]
        await super().__call__({**scope, "headers": headers}, receive, send)


@router.api_route("/{token}", methods=["GET", "HEAD"])
async def show(token: str, services: ServicesDep) -> Response:
    """Show which files a link is for."""
    try:
        offer = await visitors.offer_of(services, token, now=services.database.now())
    except Gone as error:
        return gone(error)
    files = [
        {"href": f"/{Purpose.DOWNLOAD}/{token}/{number}", "name": file.filename, "size": size_words(file.size)}
        for number, file in enumerate(offer.files, start=1)
    ]
    answer = page("download.html", title=offer.report_title or "Your files", files=files, ends_at=offer.ends_at)
    answer.headers.update(UNLISTED)
    return answer


@router.api_route("/{token}/{number}", methods=["GET", "HEAD"])
async def fetch(request: Request, token: str, number: str, services: ServicesDep) -> Response:
    """Send one file of a link."""
    wanted = int(number) if number.isascii() and number.isdigit() and len(number) <= _LONGEST_NUMBER else 0
    try:
        if request.method == "HEAD":
            file = await visitors.look_at_file(services, token, wanted, now=services.database.now())
        else:
            file = await visitors.fetch(services, token, wanted, visitor_of(request))
    except Gone as error:
        return gone(error)
    headers = {**SANDBOX, **UNLISTED, "Cache-Control": "no-store", "Accept-Ranges": "none"}
    return WholeFile(file.path, media_type=file.media_type, filename=file.filename, headers=headers)


def gone(error: Gone) -> HTMLResponse:
    """Return the page of a link that does not work: the same whatever is wrong with it."""
    answer = page("gone.html", status=404, message=error.message, remedy=error.remedy)
    answer.headers.update(UNLISTED)
    return answer


def size_words(size: int) -> str:
    """Return a size as people read it. Pure."""
    if size < 1000:
        return f"{size} bytes"
    for unit, step in (("kB", 1000), ("MB", 1000**2)):
        if size < step * 1000:
            return f"{size / step:.3g} {unit}" if size / step < 999.5 else f"{round(size / step)} {unit}"
    return f"{size / 1000**3:,.1f} GB"
