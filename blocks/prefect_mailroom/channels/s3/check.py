"""Look at a bucket step by step: resolve, connect, encrypt, log in, then write, read and remove a small object."""

from __future__ import annotations

import asyncio
import functools
import secrets
import socket
from contextlib import suppress
from datetime import UTC, datetime

from prefect_mailroom import outbound
from prefect_mailroom.channels.objects import faults, probe, reach
from prefect_mailroom.channels.objects.deliver import ask
from prefect_mailroom.channels.objects.guarded import Links
from prefect_mailroom.channels.s3.bucket import Bucket
from prefect_mailroom.channels.s3.store import S3Store
from prefect_mailroom.channels.s3.wire.client import Account, account
from prefect_mailroom.channels.s3.wire.faults import translated
from prefect_mailroom.channels.steps import StepName, Steps
from prefect_mailroom.errors import RetryLater
from prefect_mailroom.text.filenames import clean_line
from prefect_mailroom.tls import told_of, trusting

_MOST_SECONDS = 30
"""Wait so long for the answer to one step: somebody looks on."""


async def check(bucket: Bucket, steps: Steps) -> str:
    """Take all steps, and return one line about the bucket.

    Raises:
        ConfigurationError, RetryLater, Refused: the step at fault says why.
    """
    seconds = min(_MOST_SECONDS, bucket.seconds)
    host, port = bucket.target
    with steps.step(StepName.RESOLVE) as told:
        addresses = await reach.resolve(host, port, is_plain=bucket.is_plain, seconds=seconds)
        told.message = f"{host} has {len(addresses)} address{'es' if len(addresses) > 1 else ''}."
    with steps.step(StepName.CONNECT) as told:
        link = await outbound.connect(host, port, timeout=seconds)
        told.message = f"{host} answers on port {port}."
    if bucket.is_plain:
        link.close()
    else:
        with steps.step(StepName.ENCRYPT) as told:
            told.message = await _encrypted(link, bucket, seconds)
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


async def _encrypted(link: socket.socket, bucket: Bucket, seconds: float) -> str:
    """Shake hands, and return a sentence about the certificate. The link is closed."""
    host = bucket.target[0]
    try:
        async with asyncio.timeout(seconds):
            _, writer = await asyncio.open_connection(
                sock=link, ssl=trusting(bucket.ca_certificates), server_hostname=outbound.ascii_host(host)
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
        with suppress(OSError):
            await writer.wait_closed()


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
