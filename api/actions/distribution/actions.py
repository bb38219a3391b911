"""Send one small real message through a connection, to see that it arrives."""

from __future__ import annotations

from functools import partial
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from api.actions.caller import Caller
from api.actions.distribution.views import TestReceipt
from mailroom.connections import trials
from mailroom.errors import NoSuchChannel
from mailroom.stops import service as stops
from prefect_mailroom.channels.registry import CHANNELS
from prefect_mailroom.errors import MailroomError


class DistributionTest(BaseModel):
    """A test of a connection. The message goes to `to`, or to the caller when it is left out."""

    model_config = ConfigDict(extra="forbid")

    connection: str = Field(min_length=1, max_length=100)
    to: str | None = Field(default=None, min_length=3, max_length=320)
    destination: dict[str, Any] = Field(
        default_factory=dict, description="The channel's other settings, as in a destination of a schedule."
    )


async def send_test(caller: Caller, channel: str, wanted: DistributionTest) -> TestReceipt:
    """Send a small real message, marked as a test, and return what the receiver confirmed.

    Raises:
        NoSuchChannel: this Mailroom has no channel of that name.
        Invalid: the connection does not exist, or the settings are wrong.
        Conflict: nothing may leave through the connection now, since a person stopped it.
        MailroomError: what the channel says is wrong.
    """
    if channel not in CHANNELS:
        known = ", ".join(sorted(CHANNELS))
        raise NoSuchChannel(f"This Mailroom has no channel '{channel}'.", remedy=f"Use one of: {known}.")
    context = caller.context
    async with caller.session() as session:
        row = await trials.find_connection(session, channel, wanted.connection, viewer=context.viewer)
        await stops.refuse_where_stopped(session, row.name)
    target = trials.target(channel, row.name, wanted.to or context.user.email, wanted.destination)
    recipient = target.recipients()[0]
    try:
        receipt = await trials.send(row, target, context)
    except MailroomError as error:
        await caller.transact(partial(trials.record, row, recipient, type(error).__name__, context))
        raise
    await caller.transact(partial(trials.record, row, recipient, "delivered", context))
    return TestReceipt(
        channel=channel,
        connection=row.name,
        recipient=recipient,
        reference=receipt.reference,
        confirmed_at=receipt.confirmed_at,
    )
