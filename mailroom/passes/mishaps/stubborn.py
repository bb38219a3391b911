"""Ask Prefect again where it fails to answer a call on which a pass depends."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

import httpx
from prefect.exceptions import PrefectHTTPStatusError

T = TypeVar("T")

_LOG = logging.getLogger(__name__)
PAUSES = (0.5, 1.5, 4.0)
"""Seconds before each further try. Whatever stays undone then, the rescue does."""


async def stubbornly(call: Callable[[], Awaitable[T]]) -> T:
    """Make a call that may be made twice, and again after a failure.

    Raises:
        HTTPError, PrefectHTTPStatusError: the last failure, once no try is left.
    """
    for pause in PAUSES:
        try:
            return await call()
        except (httpx.HTTPError, PrefectHTTPStatusError) as error:
            _LOG.warning("Prefect failed (%r); another try follows in %g s.", error, pause)
        await asyncio.sleep(pause)
    return await call()
