"""Fetch a JSON document from the identity provider: in bounded time, of bounded size, without redirects."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx
import orjson

from mailroom.errors import Unavailable
from prefect_mailroom import outbound
from prefect_mailroom.errors import MailroomError

MAX_BYTES = 512 * 1024
SECONDS = 10.0


class ProviderRefused(Unavailable):
    """The provider refused what was asked of it, such as a code that was used before."""


async def fetch_json(
    url: str,
    *,
    issuer: str,
    form: Mapping[str, str] | None = None,
    auth: tuple[str, str] | None = None,
    seconds: float = SECONDS,
) -> dict[str, Any]:
    """GET a JSON object, or POST a form for one.

    The issuer's own host is the operator's choice, and may be inside the network. Any other host comes from a document
    of the provider, so it is reached through the guard of all that leaves.

    Raises:
        Unavailable: the provider does not answer, or with something else than a JSON object.
        ProviderRefused: it answered with a status of 400 to 499.
    """
    try:
        async with asyncio.timeout(seconds), await _client(url, issuer, seconds) as client:
            return await _read(client, url, form, auth)
    except (httpx.HTTPError, TimeoutError, ValueError, OSError) as error:
        raise _unavailable(type(error).__name__) from error
    except Unavailable:
        raise
    except MailroomError as error:  # The guard refused the address.
        raise _unavailable(error.message) from error


async def _client(url: str, issuer: str, seconds: float) -> httpx.AsyncClient:
    wanted, own = urlsplit(url), urlsplit(issuer)
    if wanted.scheme != "https" and (wanted.scheme, wanted.netloc) != (own.scheme, own.netloc):
        raise _unavailable("one of its addresses is not https")
    if wanted.hostname == own.hostname:
        return httpx.AsyncClient(timeout=seconds, follow_redirects=False, trust_env=False)
    await outbound.resolve(wanted.hostname or "", wanted.port or 443)
    return outbound.http_client(timeout=seconds)


async def _read(
    client: httpx.AsyncClient, url: str, form: Mapping[str, str] | None, auth: tuple[str, str] | None
) -> dict[str, Any]:
    # Compressed, a small answer could become a large one.
    headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
    method = "GET" if form is None else "POST"
    async with client.stream(method, url, data=form, headers=headers, auth=auth) as answer:
        if answer.headers.get("content-encoding", "identity") != "identity":
            raise _unavailable("its answer is compressed, though that was not asked for")
        body = bytearray()
        async for chunk in answer.aiter_raw():
            body += chunk
            if len(body) > MAX_BYTES:
                raise _unavailable(f"its answer is larger than {MAX_BYTES:,} bytes")
    if answer.is_client_error:
        raise ProviderRefused(f"The identity provider refused it with the status {answer.status_code}.")
    if not answer.is_success:
        raise _unavailable(f"it answered with the status {answer.status_code}")
    found = orjson.loads(bytes(body))
    if not isinstance(found, dict):
        raise _unavailable("its answer is no JSON object")
    return found


def _unavailable(why: str) -> Unavailable:
    return Unavailable(
        f"The identity provider cannot be used: {why}.", remedy="Try again later, or ask an admin to look at the log."
    )
