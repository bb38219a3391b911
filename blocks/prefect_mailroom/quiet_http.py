"""An HTTP client of whose requests the libraries tell nothing in their logs.

httpx logs each address at INFO, and httpcore each header of an answer at DEBUG. The address of a webhook often contains
a token, and the far side may give back what it was told.
"""

from __future__ import annotations

import logging
from contextvars import ContextVar
from typing import Any

import httpx

_LOGGERS = ("httpx", "httpcore.connection", "httpcore.http11", "httpcore.http2", "httpcore.proxy")
_SENDING: ContextVar[bool] = ContextVar("sending", default=False)


class QuietClient(httpx.AsyncClient):
    """A client whose requests are not logged by its libraries. Other clients of the process log as before."""

    async def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        """Send the request."""
        before = _SENDING.set(True)
        try:
            return await super().send(request, **options)
        finally:
            _SENDING.reset(before)


def _is_told(_record: logging.LogRecord) -> bool:
    return not _SENDING.get()


for _name in _LOGGERS:
    logging.getLogger(_name).addFilter(_is_told)
