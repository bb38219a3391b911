"""Try a container step by step: find it, connect, encrypt, log in, write, read and remove a blob."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
from datetime import UTC, datetime

from prefect_mailroom import outbound
from prefect_mailroom.channels.azure import sas
from prefect_mailroom.channels.azure.container import Container
from prefect_mailroom.channels.azure.store import AzureStore
from prefect_mailroom.channels.objects import faults, probe, reach
from prefect_mailroom.channels.objects.deliver import ask
from prefect_mailroom.channels.steps import StepName, Steps
from prefect_mailroom.errors import RetryLater
from prefect_mailroom.tls import told_of, trusting

_SHARE = 0.25
"""Give each step this part of an attempt's time, and no more than a person waits for."""
_LONGEST = 30.0


async def check(container: Container, steps: Steps) -> str:
    """Take the steps, and return one line about the container.

    Raises:
        ConfigurationError, RetryLater: one of them failed.
    """
    host, port = container.target
    seconds = min(_LONGEST, container.seconds * _SHARE)
    with steps.step(StepName.RESOLVE) as told:
        addresses = await reach.resolve(host, port, is_plain=container.is_plain, seconds=seconds)
        told.message = f"{host} has {len(addresses)} address{'es' if len(addresses) > 1 else ''}."
    with steps.step(StepName.CONNECT) as told:
        link = await outbound.connect(host, port, timeout=seconds)
        told.message = f"{host} answers on port {port}."
    if container.is_plain:
        link.close()
    else:
        with steps.step(StepName.ENCRYPT) as told:
            told.message = await _encrypted(link, container, seconds)
    name = f".mailroom-check-{secrets.token_hex(8)}"
    with steps.step(StepName.LOGIN) as told:
        store = await ask(lambda: AzureStore(container), abort=lambda: None, where=container.where, seconds=seconds)
        # Every identity may ask for a blob that is not there, even a SAS token that is for one container alone.
        await ask(lambda: store.look(name), abort=store.abort, where=container.where, seconds=seconds)
        told.message = f"It is {container.named_as()}."
        if container.identity == "sas":
            told.message += f" {sas.read(container.sas_token.get_secret_value()).said(datetime.now(UTC))}"
    await probe.write_read_delete(store, name, steps, seconds=seconds)
    return f"{container.where} keeps blobs that {container.named_as()} writes."


async def _encrypted(link: socket.socket, container: Container, seconds: float) -> str:
    """Shake hands, and return a sentence about the certificate. The link is closed."""
    host = container.target[0]
    try:
        async with asyncio.timeout(seconds):
            _, writer = await asyncio.open_connection(
                sock=link, ssl=trusting(container.ca_certificates), server_hostname=outbound.ascii_host(host)
            )
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
        with contextlib.suppress(OSError):
            await writer.wait_closed()
