"""Try a container step by step: find it, connect, encrypt, log in, write, read and remove a blob."""

from __future__ import annotations

import asyncio
import secrets
import ssl
from datetime import UTC, datetime

from prefect_mailroom import outbound
from prefect_mailroom.channels.azure import sas
from prefect_mailroom.channels.azure.container import Container
from prefect_mailroom.channels.azure.store import AzureStore
from prefect_mailroom.channels.azure.transport import plain_is_forbidden
from prefect_mailroom.channels.objects import faults, probe
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
        addresses = await outbound.resolve(host, port, timeout=seconds)
        told.message = f"{host} has {len(addresses)} address{'es' if len(addresses) > 1 else ''}."
    with steps.step(StepName.CONNECT) as told:
        link = await outbound.connect(host, port, timeout=seconds)
        if container.is_plain and not outbound.is_opened(host, str(link.getpeername()[0])):
            link.close()
            raise plain_is_forbidden(host)
        told.message = f"{host} answers on port {port}."
    if container.is_plain:
        link.close()
    else:
        with steps.step(StepName.ENCRYPT) as told:
            context = trusting(container.ca_certificates)
            try:
                async with asyncio.timeout(seconds):
                    reader, writer = await asyncio.open_connection(sock=link, ssl=context, server_hostname=host)
            except ssl.SSLError as error:
                raise faults.untrusted(host) from error
            except OSError as error:  # A time-out is one as well.
                raise RetryLater(f"{host} ended the connection while it was encrypted.") from error
            found = writer.get_extra_info("ssl_object")
            told.message = told_of(found, datetime.now(UTC))
            writer.transport.abort()
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
