"""Come between our HTTP clients and the real far side: answer in its place, or let it wait."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import httpx
import pytest

Answer = Callable[[httpx.Request], Awaitable[httpx.Response | None]]


@contextmanager
def intercepted(answer: Answer) -> Iterator[None]:
    """Ask `answer` about every request over the network; where it returns None, the far side answers itself."""
    real = httpx.AsyncHTTPTransport.handle_async_request

    async def handle(transport: httpx.AsyncHTTPTransport, request: httpx.Request) -> httpx.Response:
        return await answer(request) or await real(transport, request)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", handle)
        yield


def failing(method: str, path: str, holding: bytes = b"", *, status: int = 500) -> Answer:
    """An error as the answer to every request of this method with these parts in its path and its body."""

    async def answer(request: httpx.Request) -> httpx.Response | None:
        if request.method == method and path in request.url.path and holding in request.content:
            return httpx.Response(status, json={"exception_message": "As a test wants it"}, request=request)
        return None

    return answer
