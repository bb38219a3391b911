"""Look at an endpoint step by step without delivering anything: resolve, connect, encrypt, answer."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime

import httpx

from prefect_mailroom import outbound
from prefect_mailroom.channels.steps import StepName, Steps
from prefect_mailroom.channels.webhook.answers import raise_for, translated, untrusted
from prefect_mailroom.channels.webhook.expectation import Expectation
from prefect_mailroom.errors import RetryLater
from prefect_mailroom.tls import told_of


async def look(
    client: httpx.AsyncClient,
    request: httpx.Request,
    steps: Steps,
    permit: Callable[[], Awaitable[None]],
    context: ssl.SSLContext | None,
    seconds: float,
) -> str:
    """Send a request that delivers nothing, after each step towards it; return one line about the endpoint.

    Args:
        permit: looks the host up, and raises where it may not be reached.
        context: what is trusted; None for an endpoint without TLS.

    Raises:
        ConfigurationError, RetryLater, OutcomeUnknown, Refused: the step at fault says why.
    """
    host = request.url.host
    await touch(host, request.url.port or (443 if context else 80), steps, permit, context, seconds)
    with steps.step(StepName.ANSWER) as told, translated(host):
        answer = await client.send(request)
        if answer.status_code in (401, 403, 410) or answer.is_redirect:
            raise_for(answer, host, Expectation())
        told.message = f"HTTP {answer.status_code} to HEAD."
    return f"{host} answers (HTTP {answer.status_code} to HEAD); send a test delivery to check the signature."


async def touch(
    host: str,
    port: int,
    steps: Steps,
    permit: Callable[[], Awaitable[None]],
    context: ssl.SSLContext | None,
    seconds: float,
) -> None:
    """Connect to an endpoint and shake hands, each as a step, and hang up; nothing is asked.

    Args:
        permit, context: see `look`.

    Raises:
        ConfigurationError, RetryLater: it is not there, or is not trusted.
    """
    with steps.step(StepName.RESOLVE) as told:
        await permit()
        told.message = f"'{host}' is known, and may be reached."
    with steps.step(StepName.CONNECT) as told:
        link = await outbound.connect(host, port, timeout=seconds / 2)
        told.message = f"Port {port} answers."
    if context is None:
        link.close()
    else:
        with steps.step(StepName.ENCRYPT) as told:
            told.message = await _encrypted(link, host, context, seconds / 2)


async def _encrypted(link: socket.socket, host: str, context: ssl.SSLContext, seconds: float) -> str:
    """Shake hands, and return a sentence about the certificate. The link is closed."""
    name = outbound.ascii_host(host)
    try:
        async with asyncio.timeout(seconds):
            _, writer = await asyncio.open_connection(sock=link, ssl=context, server_hostname=name)
    except TimeoutError as error:
        raise RetryLater(f"'{host}' did not shake hands within {seconds:g} s.") from error
    except OSError as error:
        if outbound.tls_fault(error):
            raise untrusted(host) from None
        raise RetryLater(f"'{host}' broke the connection off in the middle of the handshake.") from error
    try:
        return told_of(writer.get_extra_info("ssl_object"), datetime.now(UTC))
    finally:
        writer.transport.abort()  # Nobody waits for the far side to say goodbye.
        with suppress(OSError):
            await writer.wait_closed()
