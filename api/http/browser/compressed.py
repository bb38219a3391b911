"""Middleware: pages travel compressed, where that tells nobody anything.

How well a page compresses can tell what stands in it to who sees the length of many answers, and can put words of their
own into the page. So three things are done: the token of the forms is another text on each page (`csrf.masked`), no
answer is compressed that another site made the browser ask for, and the length of each varies by chance.
"""

from __future__ import annotations

import gzip
import secrets
from io import BytesIO

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_LEVEL = 8
"""Of a page of 200 KB, 8 takes 0.2 ms longer than 5 and leaves 6 % less."""
_LEAST = 1_000
_MOST_PADDING = 100
"""In bytes; the name of a file in the head of the format, which every reader passes over."""


def compressed(body: bytes) -> bytes:
    """Return a body compressed, some bytes longer than it would have to be."""
    into = BytesIO()
    name = "a" * secrets.randbelow(_MOST_PADDING)
    with gzip.GzipFile(name, "wb", _LEVEL, into, mtime=0) as packed:
        packed.write(body)
    return into.getvalue()


def is_wanted(headers: Headers) -> bool:
    """Tell whether the answer to a request with these headers may be compressed. Pure."""
    offered = {one.strip().partition(";")[0] for one in headers.get("accept-encoding", "").lower().split(",")}
    return "gzip" in offered and headers.get("sec-fetch-site", "") not in {"cross-site", "same-site"}


class Compressed:
    """Compresses the pages that are answers to GET; forms answer with secrets that are shown once."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http" or scope["method"] != "GET" or not is_wanted(Headers(scope=scope)):
            await self._app(scope, receive, send)
            return
        held: list[Message] = []

        async def packing(message: Message) -> None:
            if message["type"] == "http.response.start" and _is_page(Headers(raw=message["headers"])):
                held.append(message)
                return
            # Our pages are whole in one message; what comes in several is sent as it is.
            if held and message["type"] == "http.response.body":
                start = held.pop()
                if not message.get("more_body", False) and len(message.get("body", b"")) >= _LEAST:
                    message = {**message, "body": compressed(message["body"])}
                    headers = MutableHeaders(scope=start)
                    headers["Content-Encoding"] = "gzip"
                    headers["Content-Length"] = str(len(message["body"]))
                    headers.add_vary_header("Accept-Encoding")
                    headers.add_vary_header("Sec-Fetch-Site")
                await send(start)
            await send(message)

        await self._app(scope, receive, packing)


def _is_page(headers: Headers) -> bool:
    return headers.get("content-type", "").startswith("text/html") and "content-encoding" not in headers
