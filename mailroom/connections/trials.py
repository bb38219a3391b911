"""A small real message through a connection, to see that it arrives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access.viewer import Viewer
from mailroom.audit import repository as audit
from mailroom.connections import repository as connection_repository
from mailroom.connections import service as connections
from mailroom.context import Context
from mailroom.errors import Invalid, fault_from
from mailroom.storage.database import new_id
from mailroom.storage.tables import Connection
from prefect_mailroom.channel import Channel, Destination, Parcel, Receipt
from prefect_mailroom.channels import channel_type, destination
from prefect_mailroom.errors import ConfigurationError


def target(channel: str, connection: str, to: str, settings: Mapping[str, Any]) -> Destination:
    """The destination of a test: the channel's own, turned to `to` alone where the channel has recipients.

    Raises:
        Invalid: the channel cannot send a test with these settings.
    """
    fields = channel_type(channel).destination_type.model_fields
    data = {"channel": channel, "connection": connection, **({"to": [to]} if "to" in fields else {}), **settings}
    try:
        turned = destination(data).for_test(to)
    except ConfigurationError as error:
        raise Invalid.from_configuration(error) from error
    except ValidationError as error:
        raise Invalid([fault_from(detail) for detail in error.errors(include_input=False)]) from error
    if turned is None:
        raise Invalid.at("channel", f"{channel} cannot send a test to one person alone.", "Test a schedule instead.")
    return turned


async def find_connection(session: AsyncSession, channel: str, name: str, *, viewer: Viewer) -> Connection:
    """The connection, of the channel's kind.

    Raises:
        Invalid: there is none of that name, or it is of another kind.
    """
    row = (await connection_repository.named(session, [name], viewer=viewer)).get(name)
    if row is None:
        message = f"There is no connection '{name[:100]}'."
        raise Invalid.at("connection", message, "GET /api/v1/connections lists them.")
    if row.kind != channel:
        raise Invalid.at("connection", f"'{name}' is of kind {row.kind}, not {channel}.", "Choose another.")
    return row


async def send(row: Connection, wanted: Destination, context: Context) -> tuple[str, Receipt]:
    """Send it now; returns whom it went to and what the far side confirmed.

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
        text=f"This is a test that {context.user.email} asked for at {context.now:%Y-%m-%d %H:%M} UTC. "
        f"The connection '{row.name}' works.",
        facts={"test": True, "connection": row.name},
        is_test=True,
    )
    return recipient, await block.deliver(parcel)


def record(session: AsyncSession, row: Connection, recipient: str, context: Context) -> None:
    """Remember that a test was sent."""
    audit.record(
        session,
        at=context.now,
        actor=context.user.email,
        action="tested",
        entity_type="connection",
        entity_id=row.name,
        detail={"recipient": recipient},
    )
