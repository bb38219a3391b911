"""Send one small real message through a connection, to see that it arrives."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any, Self

from prefect.blocks.core import Block
from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy.ext.asyncio import AsyncSession

from api.actions.caller import Caller
from api.actions.connections.unsaved import build_unsaved
from api.actions.connections.views import StepView
from api.actions.distribution.parcels import made
from api.actions.distribution.views import TestReceipt
from api.actions.distribution.written import WrittenSchedule, situation
from mailroom.access.permissions import Action
from mailroom.connections import checks, trials
from mailroom.connections import service as connections
from mailroom.connections.spec import UnsavedConnection, screen
from mailroom.connections.trials import Tried
from mailroom.errors import Invalid, NoSuchChannel
from mailroom.limits import service as limits
from mailroom.limits.spec import Budget
from mailroom.recipients.service import refuse_suppressed
from mailroom.stops import service as stops
from mailroom.storage.tables import Connection
from prefect_mailroom import outbound
from prefect_mailroom.channels.base import Channel, Destination
from prefect_mailroom.channels.registry import CHANNELS
from prefect_mailroom.channels.steps import Step, StepName

_UNSAVED = "unsaved"
"""The name that a destination has for a connection that is not stored."""


class DistributionTest(BaseModel):
    """A test of a connection, or of settings before they are stored. The message goes to `to`, else to the caller."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    connection: str | None = Field(
        default=None,
        min_length=1,
        max_length=100,
        description=(
            "The name of a connection. With `settings`: the one that they would change, whose stored secrets stand "
            'behind each `{"secret": true}`.'
        ),
    )
    settings: dict[str, Any] | None = Field(
        default=None,
        repr=False,
        description="Settings of a connection that is not stored, as in POST /api/v1/connections. Needs the right to.",
    )
    to: str | None = Field(default=None, min_length=3, max_length=320)
    destination: dict[str, Any] = Field(
        default_factory=dict, description="The channel's other settings, as in a destination of a schedule."
    )
    schedule: WrittenSchedule | None = Field(
        default=None,
        description=(
            "A schedule that is being written: its report is made with today's data, and sent as its delivery would "
            "be, marked as a test. Needs `connection` without `settings`. Its links to files lead nowhere."
        ),
    )

    @model_validator(mode="after")
    def _names_something(self) -> Self:
        if self.connection is None and self.settings is None:
            raise ValueError("connection: give the name of a connection, or settings.")
        if self.schedule is not None and self.settings is not None:
            raise ValueError("schedule: give it with the name of a connection alone.")
        return self


async def send_test(caller: Caller, channel: str, wanted: DistributionTest) -> TestReceipt:
    """Check a connection step by step, send a small real message, and return what the receiver confirmed.

    Raises:
        NoSuchChannel: this Mailroom has no channel of that name.
        Invalid: the connection does not exist, or the settings are wrong or lead where nothing may go.
        Forbidden: settings were given, and the caller may not create connections.
        Conflict: nothing may leave through the connection now, since a person stopped it.
        TooOften: the caller has sent as many within the hour as a user may.
        CheckFailed: what the channel says is wrong, with the steps that were tried.
    """
    if channel not in CHANNELS:
        known = ", ".join(sorted(CHANNELS))
        raise NoSuchChannel(f"This Mailroom has no channel '{channel}'.", remedy=f"Use one of: {known}.")
    if wanted.settings is None:
        return await _test_stored(caller, channel, wanted)
    return await _test_unsaved(caller, channel, wanted, wanted.settings)


async def _test_stored(caller: Caller, channel: str, wanted: DistributionTest) -> TestReceipt:
    context = caller.context

    async def find(session: AsyncSession) -> tuple[Connection, Destination]:
        row = await trials.find_connection(session, channel, wanted.connection or "", viewer=context.viewer)
        return row, await _begin(session, caller, channel, row.name, wanted)

    row, target = await caller.transact(find)
    block = _channel(await connections.load(row, context.settings))
    tried = await _send(caller, block, row.name, target, wanted.schedule)

    async def record(session: AsyncSession) -> None:
        await checks.record(row, tried.check, context, session)
        await trials.record(row, target.recipients()[0], tried.outcome, context, session)

    await caller.transact(record)
    return _receipt(channel, row.name, target, tried)


async def _send(
    caller: Caller, block: Channel, name: str, target: Destination, schedule: WrittenSchedule | None
) -> Tried:
    """Send the report of the schedule that is being written, or the small message of a test without one."""
    if schedule is None:
        return await trials.send(block, name, target, caller.context)
    found = await situation(caller, schedule)
    async with made(caller, schedule, found, target, is_test=True) as one:
        tried = await trials.send(block, name, target, caller.context, one.parcel)
    files = len(one.parcel.files)
    words = f"The report was made with today's data: {files} {'file' if files == 1 else 'files'}."
    return replace(tried, steps=[Step(StepName.PREPARE, True, words, "", one.seconds), *tried.steps])


async def _test_unsaved(
    caller: Caller, channel: str, wanted: DistributionTest, settings: dict[str, Any]
) -> TestReceipt:
    context = caller.context
    context.viewer.require(Action.CONNECTION_CREATE)
    given = UnsavedConnection(kind=channel, settings=settings, connection=wanted.connection)
    block = _channel(await build_unsaved(caller, given))
    target = await caller.transact(lambda session: _begin(session, caller, channel, _UNSAVED, wanted))
    recipient = target.recipients()[0]
    with outbound.hosts_looked_up() as hosts:

        async def record(outcome: str) -> None:
            where = ", ".join(hosts)
            await caller.transact(partial(trials.record_unsaved, channel, where, recipient, outcome, context))

        try:
            await screen(block)
        except Invalid as refused:
            await record(type(refused).__name__)
            raise
        tried = await trials.send(block, checks.UNSAVED, target, context)
        await record(tried.outcome)
    return _receipt(channel, checks.UNSAVED, target, tried)


async def _begin(
    session: AsyncSession, caller: Caller, channel: str, name: str, wanted: DistributionTest
) -> Destination:
    """Return the destination of a test that may be sent now, and count the test."""
    context = caller.context
    await stops.refuse_where_stopped(session, name)
    target = trials.target(channel, name, wanted.to or context.user.email, wanted.destination)
    limits.refuse_addresses(target.addresses(), context.user, context.settings, field="to")
    await refuse_suppressed(session, target.addresses(), field="to")
    # Counted before it is sent: also a test that fails may have arrived.
    await limits.spend(session, context, Budget.TESTS)
    return target


def _channel(block: Block) -> Channel:
    assert isinstance(block, Channel)  # The registry maps a channel's kind to a Channel.
    return block


def _receipt(channel: str, name: str, target: Destination, tried: Tried) -> TestReceipt:
    receipt = tried.confirmed()
    return TestReceipt(
        channel=channel,
        connection=name,
        recipient=target.recipients()[0],
        reference=receipt.reference,
        confirmed_at=receipt.confirmed_at,
        grade=receipt.grade,
        steps=[StepView.model_validate(step) for step in tried.steps],
    )
