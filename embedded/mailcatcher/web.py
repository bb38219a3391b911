"""The catcher's page and its JSON.

A mail's HTML is shown as if it were hostile: sandboxed, without scripts, forms or anything from outside.
"""

from __future__ import annotations

import asyncio
import base64
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from embedded.mailcatcher.store import Mail, MailStore, Summary

_PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; base-uri 'none'; form-action 'none'"
# `sandbox` here as well as on the iframe: the address can be opened by itself.
_MAIL_POLICY = "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_CID = re.compile(r"cid:([^\"'\s)>]+)", re.IGNORECASE)


def _bytes(size: int) -> str:
    value = float(size)
    for unit in ("B", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"


def web_app(store: MailStore, host: str) -> Starlette:
    """Return the pages and `/api/messages` over a store.

    It answers to its own names alone, so that no web page can read the mails by pointing a domain at this machine.
    """
    pages = _Pages(store)
    names = [host, "localhost", "127.0.0.1", "[::1]"]
    if host in ("0.0.0.0", "::"):  # noqa: S104  # Compared only; whoever listens everywhere is reached by any name.
        names = ["*"]
    return Starlette(
        routes=[
            Route("/", pages.index),
            Route("/messages/{id}", pages.message),
            Route("/messages/{id}/html", pages.body),
            Route("/messages/{id}/source", pages.source),
            Route("/messages/{id}/attachments/{number:int}", pages.attachment),
            Route("/api/messages", pages.api_list),
            Route("/api/messages/{id}", pages.api_message),
            Route("/api/messages/{id}/attachments/{number:int}", pages.attachment),
        ],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=names)],
        exception_handlers={HTTPException: _problem},
    )


class _Pages:
    def __init__(self, store: MailStore) -> None:
        self._store = store
        loader = FileSystemLoader(Path(__file__).parent / "templates")
        self._templates = Environment(loader=loader, autoescape=True, undefined=StrictUndefined)
        self._templates.filters["bytes"] = _bytes

    async def index(self, _request: Request) -> Response:
        return self._page("list.html", mails=await asyncio.to_thread(self._store.summaries))

    async def message(self, request: Request) -> Response:
        return self._page("mail.html", mail=await self._find(request))

    async def body(self, request: Request) -> Response:
        mail = await self._find(request)
        return HTMLResponse(_with_images(mail), headers={"content-security-policy": _MAIL_POLICY})

    async def source(self, request: Request) -> Response:
        mail = await self._find(request)
        raw = await asyncio.to_thread(self._store.source, mail.summary.id)
        return _download(raw or b"", f"{mail.summary.id}.eml")

    async def attachment(self, request: Request) -> Response:
        mail = await self._find(request)
        number = request.path_params["number"]
        if not 1 <= number <= len(mail.contents):
            raise HTTPException(404, f"This mail has {len(mail.contents)} attachments.")
        return _download(mail.contents[number - 1], mail.summary.parts[number - 1].filename)

    async def api_list(self, _request: Request) -> Response:
        return JSONResponse([_summary_json(summary) for summary in await asyncio.to_thread(self._store.summaries)])

    async def api_message(self, request: Request) -> Response:
        mail = await self._find(request)
        rest = {"headers": [list(header) for header in mail.headers], "text": mail.text, "html": mail.html}
        return JSONResponse({**_summary_json(mail.summary), **rest})

    def _page(self, name: str, **values: Any) -> HTMLResponse:
        text = self._templates.get_template(name).render(**values)
        return HTMLResponse(text, headers={"content-security-policy": _PAGE_POLICY})

    async def _find(self, request: Request) -> Mail:
        mail = await asyncio.to_thread(self._store.read, request.path_params["id"])
        if mail is None:
            raise HTTPException(404, "There is no such mail. It may have been removed to make room for newer ones.")
        return mail


async def _problem(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"status": error.status_code, "detail": error.detail}, status_code=error.status_code)


def _summary_json(summary: Summary) -> dict[str, Any]:
    values = asdict(summary)
    parts = values.pop("parts")
    at = values.pop("received_at").isoformat()
    return {
        **values,
        "received_at": at,
        "from": values.pop("sender"),
        "to": values.pop("recipients"),
        "attachments": parts,
    }


def _with_images(mail: Mail) -> str:
    """Return the HTML with each `cid:` as a data URL: the sandbox lets nothing be fetched, not even from here."""
    images = {part.content_id: part for part in mail.summary.parts if part.content_id}

    def replace(match: re.Match[str]) -> str:
        part = images.get(unquote(match.group(1)))
        if part is None or not part.media_type.startswith("image/"):
            return match.group(0)
        return f"data:{part.media_type};base64,{base64.b64encode(mail.contents[part.number - 1]).decode()}"

    return _CID.sub(replace, mail.html)


def _download(content: bytes, filename: str) -> Response:
    # Always as a download and never by its own type: an HTML attachment must not run on this origin.
    headers = {
        "content-disposition": f"attachment; filename*=utf-8''{quote(filename, safe='')}",
        "x-content-type-options": "nosniff",
    }
    return Response(content, media_type="application/octet-stream", headers=headers)
