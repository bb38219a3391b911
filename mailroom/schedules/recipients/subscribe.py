"""Let a person who has unsubscribed get the mails of a schedule again, since the person asked its owner for it."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access.permissions import Action
from mailroom.audit import recipient_events as events
from mailroom.audit import repository as audit
from mailroom.context import Context
from mailroom.recipients import repository as recipients
from mailroom.recipients.spec import person_asked
from mailroom.schedules import repository as stored


async def subscribe_again(session: AsyncSession, schedule_id: str, address: str, context: Context) -> bool:
    """Forget that a person wants nothing of a schedule; return whether it was so. Doing it again changes nothing.

    Raises:
        NotFound, Forbidden.
        Invalid: it is no mail address.
    """
    schedule = await stored.get(session, schedule_id, viewer=context.viewer, doing=Action.SCHEDULE_CHANGE)
    person = person_asked(address)
    if not await recipients.delete_unsubscription(session, person, schedule.id):
        return False
    audit.record_by(session, events.SubscribedAgain(schedule.id, person), context)
    return True
