"""A small real message through a connection, to see that it arrives."""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access.viewer import Viewer
from mailroom.audit import repository as audit
from mailroom.audit.delivery_events import CredentialUsed
from mailroom.audit.events import ConnectionTested
from mailroom.connections import repository as connection_repository
from mailroom.connections import service as connections
from mailroom.context import Context
from mailroom.errors import Invalid
from mailroom.storage.database import new_id
from mailroom.storage.tables import Connection
from prefect_mailroom.channels.base import Channel, Destination, Parcel, ParcelFile, Receipt
from prefect_mailroom.channels.registry import destination, destination_type
from prefect_mailroom.errors import ConfigurationError
from prefect_mailroom.text import variables


def target(channel: str, connection: str, to: str, settings: Mapping[str, Any]) -> Destination:
    """Return the destination of a test: one of the channel with these settings that reaches `to` alone.

    Raises:
        Invalid: the channel cannot send a test with these settings.
    """
    given = destination_type(channel).trial_settings(to)
    data = {**given, **settings, "channel": channel, "connection": connection}
    try:
        turned = destination(data).for_test(to)
    except ConfigurationError as error:
        raise Invalid.from_configuration(error) from error
    if turned is None:
        raise Invalid.at(
            "channel",
            f"The channel {channel} cannot send a test to only one person.",
            ("Send a test of a schedule instead."),
        )
    return turned


async def find_connection(session: AsyncSession, channel: str, name: str, *, viewer: Viewer) -> Connection:
    """Return the connection, which must be of the channel's kind.

    Raises:
        Invalid: there is none of that name, or it is of another kind.
    """
    row = (await connection_repository.named(session, [name], viewer=viewer)).get(name)
    if row is None:
        message = f"There is no connection '{name[:100]}'."
        raise Invalid.at("connection", message, "GET /api/v1/connections lists them.")
    if row.kind != channel:
        raise Invalid.at(
            "connection", f"The connection '{name}' is of kind {row.kind}, not {channel}.", ("Choose another.")
        )
    return row


async def send(row: Connection, wanted: Destination, context: Context) -> Receipt:
    """Send the message now to its first recipient; return what the far side confirmed.

    Raises:
        ConfigurationError, RetryLater, Refused, OutcomeUnknown: the delivery's own errors.
        Unavailable: Prefect does not answer.
    """
    block = await connections.load(row, context.settings)
    assert isinstance(block, Channel)  # The registry maps a channel's kind to a Channel.
    recipient = wanted.recipients()[0]
    parcel = Parcel(
        key=f"test-{new_id()}",
        attempt=1,
        recipient=recipient,
        destination=wanted,
        subject=f"Mailroom: a test of the connection {row.name}",
        text=f"This is a test message that {context.user.email} requested at {context.now:%Y-%m-%d %H:%M} UTC. "
        f"The connection '{row.name}' works.",
        variables=variables.values(
            report_name="Test",
            report_slug="test",
            schedule_name="Test",
            due=context.now,
            execution_id="test",
            window_from=context.now.date(),
            window_to=context.now.date(),
        ),
        facts={"test": True, "connection": row.name},
        is_test=True,
    )
    # With a file: a channel that carries nothing else would otherwise confirm a test that has touched nothing.
    with tempfile.TemporaryDirectory(prefix="mailroom-test-") as folder:
        file = await asyncio.to_thread(_test_file, Path(folder), parcel.text)
        return await block.deliver(replace(parcel, files=(file,)))


def _test_file(folder: Path, text: str) -> ParcelFile:
    """Write the message as a file to deliver."""
    content = text.encode()
    path = folder / "mailroom-test.txt"
    path.write_bytes(content)
    return ParcelFile(
        path=path,
        filename=path.name,
        media_type="text/plain",
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
    )


async def record(row: Connection, recipient: str, outcome: str, context: Context, session: AsyncSession) -> None:
    """Record in the audit trail that a test was sent, or what kept it from being sent, and with whose secrets."""
    audit.record_by(session, ConnectionTested(row.name, recipient, outcome), context)
    audit.record_by(session, CredentialUsed(row.name, "test", context.user.email), context)
