"""Keep the list of addresses that nothing is ever sent to. Each function works in the caller's transaction."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access.permissions import Action
from mailroom.access.viewer import SYSTEM
from mailroom.audit import recipient_events as events
from mailroom.audit import repository as audit
from mailroom.context import Context
from mailroom.errors import Invalid
from mailroom.recipients import repository as recipients
from mailroom.recipients.spec import NewSuppression, SuppressionSettings
from mailroom.storage.contention import Overtaken
from mailroom.storage.database import new_id
from mailroom.storage.model.recipients import Suppression

ON_THE_LIST = "is on the list of addresses that nothing is sent to"
LEAVE_OUT = "Leave the address out, or ask an admin whether it may get something again."


async def suppress(session: AsyncSession, wanted: NewSuppression, context: Context) -> tuple[Suppression, bool]:
    """Never send to an address again; return the entry that stands now, and whether it is new.

    What is under way asks the list just before each attempt, so an attempt that has not begun does not begin.
    """
    row = await recipients.insert_suppression(
        session,
        {
            "id": new_id(),
            "address": wanted.address,
            "reason": wanted.reason,
            "created_by": context.actor.email,
            "created_at": context.now,
        },
    )
    if row is None:
        there = await recipients.at(session, wanted.address, viewer=SYSTEM)
        if there is None:
            raise Overtaken("The suppression that stood has been removed meanwhile.")
        return there, False
    audit.record_by(session, events.SuppressionAdded(row.id, row.address, row.reason), context)
    return row, True


async def change(
    session: AsyncSession, suppression_id: str, wanted: SuppressionSettings, context: Context
) -> Suppression:
    """Write anew why nothing is sent to an address.

    Raises:
        NotFound, Forbidden.
    """
    row = await recipients.suppression(session, suppression_id, viewer=context.viewer, doing=Action.SUPPRESSION_CHANGE)
    if row.reason != wanted.reason:
        audit.record_by(session, events.SuppressionChanged(row.id, row.address, [row.reason, wanted.reason]), context)
        row.reason = wanted.reason
    return row


async def release(session: AsyncSession, suppression_id: str, context: Context) -> None:
    """Let an address get something again.

    Raises:
        NotFound, Forbidden.
    """
    row = await recipients.suppression(session, suppression_id, viewer=context.viewer, doing=Action.SUPPRESSION_REMOVE)
    audit.record_by(session, events.SuppressionRemoved(row.id, row.address, row.reason), context)
    await session.delete(row)


async def refuse_suppressed(session: AsyncSession, addresses: Collection[str], *, field: str) -> None:
    """Refuse to send something at once to an address that is on the list.

    Raises:
        Invalid: naming the first one.
    """
    for address in await recipients.suppressed_among(session, addresses):
        raise Invalid.at(field, f"'{address}' {ON_THE_LIST}.", LEAVE_OUT)
