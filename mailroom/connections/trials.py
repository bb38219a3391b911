"""A small real message through a connection, to see that it arrives."""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access.viewer import Viewer
from mailroom.audit import repository as audit
from mailroom.audit.delivery_events import CredentialUsed
from mailroom.audit.events import ConnectionTested
from mailroom.connections import checks
from mailroom.connections import repository as connection_repository
from mailroom.connections.checks import Checked
from mailroom.context import Context
from mailroom.errors import CheckFailed, Invalid
from mailroom.storage.database import new_id
from mailroom.storage.tables import Connection
from prefect_mailroom.channels.base import Channel, Destination, Parcel, ParcelFile, Receipt
from prefect_mailroom.channels.registry import destination, destination_type
from prefect_mailroom.channels.steps import Step, StepName, Steps
from prefect_mailroom.errors import ConfigurationError, MailroomError
from prefect_mailroom.text import variables

_MAY_FAIL = {StepName.ANSWER, StepName.READ_BACK, StepName.DELETE}
"""These steps of a check say nothing about whether a delivery would be taken."""


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
        raise Invalid.at("connection", message, "GET /api/v1/connections lists them.", code="no_connection")
    if row.kind != channel:
        raise Invalid.at(
            "connection", f"The connection '{name}' is of kind {row.kind}, not {channel}.", ("Choose another.")
        )
    return row


@dataclass(frozen=True, slots=True)
class Tried:
    """Record how a test ended: the check that came before, all steps, and the receipt or the error."""

    check: Checked
    steps: list[Step]
    receipt: Receipt | None
    error: MailroomError | None

    @property
    def outcome(self) -> str:
        """Return in one word how it ended: `delivered`, or the error."""
        return type(self.error).__name__ if self.error else "delivered"

    def confirmed(self) -> Receipt:
        """Return the receipt.

        Raises:
            CheckFailed: a step failed that the test cannot do without.
        """
        if self.error is not None:
            raise CheckFailed(self.error, self.steps)
        assert self.receipt is not None
        return self.receipt


async def send(block: Channel, name: str, wanted: Destination, context: Context, parcel: Parcel | None = None) -> Tried:
    """Check the connection step by step, then send the message to the first recipient. No error comes out of it.

    A parcel that is given is sent in place of the small message.

    Where a step fails, nothing is sent, with one exception: a far side that answers no question, or gives nothing back,
    may take a delivery all the same.
    """
    check = await checks.of_block(block)
    if check.error is not None and check.steps[-1].name not in _MAY_FAIL:
        return Tried(check, check.steps, None, check.error)
    steps, receipt, failed = Steps(), None, None
    try:
        with steps.step(StepName.DELIVER) as told:
            sent = _deliver(block, name, wanted, context) if parcel is None else block.deliver(parcel)
            receipt = await sent
            told.message = f"The far side confirmed it: {receipt.reference}."
    except MailroomError as error:
        failed = error
    mask = checks.Mask(block)
    return Tried(check, [*check.steps, *map(mask.step, steps.done)], receipt, mask.error(failed))


async def _deliver(block: Channel, name: str, wanted: Destination, context: Context) -> Receipt:
    recipient = wanted.recipients()[0]
    is_saved = name != checks.UNSAVED
    what = f"The connection '{name}'" if is_saved else "The connection, which is not saved yet,"
    parcel = Parcel(
        key=f"test-{new_id()}",
        attempt=1,
        recipient=recipient,
        destination=wanted,
        subject=f"Mailroom: a test of {f'the connection {name}' if is_saved else 'a connection that is not saved yet'}",
        text=f"This is a test message that {context.user.email} requested at {context.now:%Y-%m-%d %H:%M} UTC. "
        f"{what} works.",
        variables=variables.values(
            report_name="Test",
            report_slug="test",
            schedule_name="Test",
            due=context.now,
            execution_id="test",
            window_from=context.now.date(),
            window_to=context.now.date(),
        ),
        facts={"test": True, "connection": name},
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


async def record_unsaved(
    kind: str, host: str, recipient: str, outcome: str, context: Context, session: AsyncSession
) -> None:
    """Record the same of a connection that is not stored, and where it led."""
    audit.record_by(session, ConnectionTested(checks.UNSAVED, recipient, outcome, kind, host), context)
    audit.record_by(session, CredentialUsed(checks.UNSAVED, "test", context.user.email), context)
