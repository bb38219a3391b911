"""Send one small real message through a connection, to see that it arrives."""

from __future__ import annotations

from functools import partial
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from api.actions.caller import Caller
from api.actions.distribution.views import TestReceipt
from mailroom.connections import trials
from mailroom.errors import NoSuchChannel
from mailroom.limits import service as limits
from mailroom.limits.spec import Budget
from mailroom.recipients.service import refuse_suppressed
from mailroom.stops import service as stops
from mailroom.storage.tables import Connection
from prefect_mailroom.channels.base import Destination
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
        TooOften: the caller has sent as many within the hour as a user may.
        MailroomError: what the channel says is wrong.
    """
    if channel not in CHANNELS:
        known = ", ".join(sorted(CHANNELS))
        raise NoSuchChannel(f"This Mailroom has no channel '{channel}'.", remedy=f"Use one of: {known}.")
    context = caller.context

    async def find(session: AsyncSession) -> tuple[Connection, Destination]:
        row = await trials.find_connection(session, channel, wanted.connection, viewer=context.viewer)
        await stops.refuse_where_stopped(session, row.name)
        target = trials.target(channel, row.name, wanted.to or context.user.email, wanted.destination)
        limits.refuse_addresses(target.addresses(), context.user, context.settings, field="to")
        await refuse_suppressed(session, target.addresses(), field="to")
        # Counted before it is sent: also a test that fails may have arrived.
        await limits.spend(session, context, Budget.TESTS)
        return row, target

    row, target = await caller.transact(find)
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
