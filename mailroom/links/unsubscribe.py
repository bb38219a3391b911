"""Stop mails by the link in them, without a log-in, and take that back.

The link is good for the one address that the mail went to. It goes on working when the mail is old, when links to files
are switched off, and when the schedule has ended: who wants no more mail can say so whenever they read the last one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access.viewer import SYSTEM
from mailroom.audit import recipient_events as events
from mailroom.audit import repository as audit
from mailroom.audit.events import Event
from mailroom.context import Origin
from mailroom.errors import Gone
from mailroom.links import repository as stored
from mailroom.links.maker import keys_of
from mailroom.links.repository import Linked
from mailroom.links.tokens import Purpose, read
from mailroom.links.visitor import Visitor
from mailroom.notifications.recipient_events import StartedAgain, Stopped
from mailroom.notifications.service import notify
from mailroom.recipients import repository as recipients
from mailroom.recipients.spec import is_erased
from mailroom.settings import Settings
from mailroom.storage.database import new_id
from mailroom.storage.tables import Schedule

BY_LINK = "link to unsubscribe"
ASKED_FOR = "The person asked for it by a link in a mail."
MOST_TOLD = 200
"""Tell the owners of at most so many schedules when a person wants nothing at all any more."""


class Choice(StrEnum):
    """A person stops either this report, or everything from here."""

    REPORT = "report"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Standing:
    """Tell what the person of a link does not get at present.

    Attributes:
        report: whether the person gets nothing of this schedule, by their own wish.
        everything: whether the person gets nothing at all, by their own wish.
        listed: whether the person gets nothing at all since an admin said so, which the link cannot change.
    """

    address: str
    schedule_name: str
    report: bool
    everything: bool
    listed: bool


async def look_at(session: AsyncSession, settings: Settings, token: str) -> Standing:
    """Return what holds now; nothing is changed, since programs that look at links do this too.

    Raises:
        Gone: there is no such link.
    """
    return await _standing(session, await _opened(session, settings, token))


async def stop(session: AsyncSession, settings: Settings, token: str, choice: Choice, visitor: Visitor) -> Standing:
    """Stop mails to the person of a link; asking again changes nothing. Owners of the schedules are told.

    Raises:
        Gone: there is no such link.
    """
    found = await _opened(session, settings, token)
    address = found.delivery.recipient.lower()
    match choice:
        case Choice.REPORT:
            if await recipients.insert_unsubscription(
                session, address, found.schedule.id, delivery_id=found.delivery.id, now=visitor.now
            ):
                _record(session, events.Unsubscribed(found.schedule.id, address, found.delivery.id), address, visitor)
                await _tell(session, [found.schedule], address, choice, visitor)
        case Choice.ALL:
            row = await recipients.insert_suppression(
                session,
                {
                    "id": new_id(),
                    "address": address,
                    "reason": ASKED_FOR,
                    "created_by": address,
                    "created_at": visitor.now,
                },
            )
            if row is not None:
                _record(session, events.SuppressionAdded(row.id, address, ASKED_FOR), address, visitor)
                concerned = await recipients.schedules_of(session, address, limit=MOST_TOLD)
                await _tell(session, concerned, address, choice, visitor)
    return await _standing(session, found)


async def start_again(session: AsyncSession, settings: Settings, token: str, visitor: Visitor) -> Standing:
    """Take back what the person of a link has stopped; what an admin has stopped stays.

    Raises:
        Gone: there is no such link.
    """
    found = await _opened(session, settings, token)
    address, schedule = found.delivery.recipient.lower(), found.schedule
    listed = await recipients.delete_own_suppression(session, address)
    if listed is not None:
        _record(session, events.SuppressionRemoved(listed.id, address, listed.reason), address, visitor)
        await _tell_again(session, await recipients.schedules_of(session, address, limit=MOST_TOLD), address, visitor)
    if await recipients.delete_unsubscription(session, address, schedule.id):
        _record(session, events.SubscribedAgain(schedule.id, address), address, visitor)
        await _tell_again(session, [schedule], address, visitor)
    return await _standing(session, found)


async def _opened(session: AsyncSession, settings: Settings, token: str) -> Linked:
    claim = read(Purpose.UNSUBSCRIBE, token, keys_of(settings))
    found = await stored.linked(session, claim.delivery_id) if claim else None
    if found is None or is_erased(found.delivery.recipient):
        raise Gone(
            "This link does not work, or does not work any more.",
            remedy="To get no more mails, answer the mail, or ask whoever owns the report.",
        )
    return found


async def _standing(session: AsyncSession, found: Linked) -> Standing:
    address = found.delivery.recipient.lower()
    listed = await recipients.suppression_of(session, address, viewer=SYSTEM)
    own = listed is not None and (listed.address, listed.created_by) == (address, address)
    return Standing(
        address=address,
        schedule_name=found.schedule.name,
        report=await recipients.is_unsubscribed(session, address, found.schedule.id),
        everything=own,
        listed=listed is not None and not own,
    )


def _record(session: AsyncSession, event: Event, address: str, visitor: Visitor) -> None:
    audit.record(session, event, at=visitor.now, actor=address, origin=Origin(visitor.address, BY_LINK))


async def _tell(
    session: AsyncSession, schedules: Sequence[Schedule], address: str, choice: Choice, visitor: Visitor
) -> None:
    everything = choice is Choice.ALL
    told = [Stopped(one.user_id, one.id, one.name, address, everything=everything) for one in schedules]
    await notify(session, told, at=visitor.now)


async def _tell_again(session: AsyncSession, schedules: Sequence[Schedule], address: str, visitor: Visitor) -> None:
    told = [StartedAgain(one.user_id, one.id, one.name, address) for one in schedules]
    await notify(session, told, at=visitor.now)
