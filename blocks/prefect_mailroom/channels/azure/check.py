"""Try a container step by step: find it, connect, encrypt, log in, write, read and remove a blob."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

from prefect_mailroom.channels.azure import sas
from prefect_mailroom.channels.azure.container import Container
from prefect_mailroom.channels.azure.store import AzureStore
from prefect_mailroom.channels.objects import probe, reach
from prefect_mailroom.channels.objects.deliver import ask
from prefect_mailroom.channels.steps import StepName, Steps
from prefect_mailroom.tls import trusting

_SHARE = 0.25
"""Give each step this part of an attempt's time, and no more than a person waits for."""
_LONGEST = 30.0


async def check(container: Container, steps: Steps) -> str:
    """Take the steps, and return one line about the container.

    Raises:
        ConfigurationError, RetryLater: one of them failed.
    """
    seconds = min(_LONGEST, container.seconds * _SHARE)
    context = None if container.is_plain else trusting(container.ca_certificates)
    await reach.reach(*container.target, context, steps, seconds=seconds)
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
