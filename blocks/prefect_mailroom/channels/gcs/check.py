"""Look at a bucket step by step: resolve, connect, encrypt, log in, then write, read and remove a small object."""

from __future__ import annotations

import asyncio
import secrets

from prefect_mailroom.channels.gcs.bucket import Bucket
from prefect_mailroom.channels.gcs.store import GcsStore
from prefect_mailroom.channels.gcs.wire.login import account
from prefect_mailroom.channels.objects import probe
from prefect_mailroom.channels.objects.deliver import ask
from prefect_mailroom.channels.objects.reach import reach
from prefect_mailroom.channels.steps import StepName, Steps
from prefect_mailroom.tls import trusting

_MOST_SECONDS = 30
"""Wait so long for the answer to one step: somebody looks on."""


async def check(bucket: Bucket, steps: Steps) -> str:
    """Take all steps, and return one line about the bucket.

    Raises:
        ConfigurationError, RetryLater, Refused: the step at fault says why.
    """
    seconds = min(_MOST_SECONDS, bucket.seconds)
    context = None if bucket.is_plain else trusting(bucket.ca_certificates)
    await reach(*bucket.target, context, steps, seconds=seconds)
    with steps.step(StepName.LOGIN) as told:
        store = await asyncio.to_thread(lambda: GcsStore(account(bucket)))
        await ask(store.log_in, abort=store.abort, where="The server that gives out tokens", seconds=seconds)
        told.message = f"It is {bucket.named_as()}."
    try:
        keeps = await probe.write_read_delete(store, f".mailroom-check-{secrets.token_hex(8)}", steps, seconds=seconds)
    finally:
        store.abort()
    once = (
        " and writes each of them once"
        if keeps
        else "; it replaces objects even if asked not to, so switch write_once off"
        if bucket.write_once
        else ""
    )
    return f"{store.shown('')} stores objects{once}."
