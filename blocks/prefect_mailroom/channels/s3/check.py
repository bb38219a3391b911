"""Look at a bucket step by step: resolve, connect, encrypt, log in, then write, read and remove a small object."""

from __future__ import annotations

import functools
import secrets

from prefect_mailroom.channels.objects import probe, reach
from prefect_mailroom.channels.objects.deliver import ask
from prefect_mailroom.channels.objects.guarded import Links
from prefect_mailroom.channels.s3.bucket import Bucket
from prefect_mailroom.channels.s3.store import S3Store
from prefect_mailroom.channels.s3.wire.client import Account, account
from prefect_mailroom.channels.s3.wire.faults import translated
from prefect_mailroom.channels.steps import StepName, Steps
from prefect_mailroom.text.filenames import clean_line
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
    await reach.reach(*bucket.target, context, steps, seconds=seconds)
    found = account(bucket)
    store = S3Store(found)
    try:
        with steps.step(StepName.LOGIN) as told:
            told.message = await ask(
                functools.partial(_log_in, found, store), abort=store.abort, where=store.where, seconds=seconds
            )
        name = f".mailroom-check-{secrets.token_hex(8)}"
        keeps = await probe.write_read_delete(store, name, steps, seconds=seconds)
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


def _log_in(found: Account, store: S3Store) -> str:
    """Ask for the bucket, and on AWS for the name of whoever asks."""
    bucket = found.bucket
    store.requests.ask("list_objects_v2", bucket.where, Prefix=bucket.prefix, MaxKeys=1)
    if not bucket.is_aws:
        return f"{bucket.where} accepts {bucket.named_as()}."
    with translated(bucket, "get_caller_identity", bucket.where):
        frozen = found.credentials.get_frozen_credentials()
        keys = {
            "aws_access_key_id": frozen.access_key,
            "aws_secret_access_key": frozen.secret_key,
            "aws_session_token": frozen.token,
        }
        told = found.sts(Links(), **keys).get_caller_identity()
    return f"It is {clean_line(str(told['Arn']))[:300]}."
