"""Reach the host of a store: look it up before anything is loaded for it, and take the first steps of a check."""

from __future__ import annotations

import asyncio
import socket
import ssl
from contextlib import suppress
from datetime import UTC, datetime

from prefect_mailroom import outbound
from prefect_mailroom.channels.objects import faults
from prefect_mailroom.channels.steps import StepName, Steps
from prefect_mailroom.errors import RetryLater
from prefect_mailroom.tls import told_of


async def resolve(host: str, port: int, *, is_plain: bool, seconds: float) -> list[str]:
    """Return the addresses of a host, all of them permitted.

    Args:
        is_plain: whether it is reached without encryption, which only hosts of the operator's list may be.

    Raises:
        ConfigurationError: no such host, or one that may not be reached, or not in this way.
        RetryLater: the name server did not answer.
    """
    addresses = await outbound.resolve(host, port, timeout=seconds)
    if is_plain and not all(outbound.is_opened(host, address) for address in addresses):
        raise faults.unencrypted(host)
    return addresses


async def reach(host: str, port: int, context: ssl.SSLContext | None, steps: Steps, *, seconds: float) -> None:
    """Take the steps; nothing of them stays open.

    Args:
        context: what is trusted; None for a store without TLS.
        seconds: the time of each step.

    Raises:
        ConfigurationError, RetryLater: the step at fault says why.
    """
    with steps.step(StepName.RESOLVE) as told:
        addresses = await resolve(host, port, is_plain=context is None, seconds=seconds)
        told.message = f"{host} has {len(addresses)} address{'es' if len(addresses) > 1 else ''}."
    with steps.step(StepName.CONNECT) as told:
        link = await outbound.connect(host, port, timeout=seconds)
        told.message = f"{host} answers on port {port}."
    if context is None:
        link.close()
        return
    with steps.step(StepName.ENCRYPT) as told:
        told.message = await _encrypted(link, host, context, seconds)


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
            raise faults.untrusted(host) from None
        raise RetryLater(f"'{host}' broke the connection off in the middle of the handshake.") from error
    try:
        return told_of(writer.get_extra_info("ssl_object"), datetime.now(UTC))
    finally:
        writer.transport.abort()
        with suppress(OSError):
            await writer.wait_closed()
