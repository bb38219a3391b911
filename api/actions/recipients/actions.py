"""Look at a person who gets reports, take the person off schedules, and erase an address."""

from __future__ import annotations

import asyncio
from functools import partial

from sqlalchemy.ext.asyncio import AsyncSession

from api.actions.caller import Caller
from api.actions.deliveries import actions as deliveries
from api.actions.recipients.views import (
    ErasedView,
    LeftAlone,
    RecipientSchedule,
    RecipientView,
    RemovalView,
    RemovedSchedule,
)
from api.actions.suppressions.views import SuppressionView
from api.actions.view import PageView
from mailroom.errors import Conflict, Forbidden, Invalid, NotFound
from mailroom.executions.deliveries import DeliveryFilter
from mailroom.recipients import erase as erasing
from mailroom.recipients import repository as recipients
from mailroom.recipients.spec import person_asked
from mailroom.schedules.recipients import remove as removing
from mailroom.schedules.recipients.remove import Removal, Removed
from mailroom.storage.tables import Schedule

MOST = 100
"""How many schedules one request changes; each change is a transaction of its own."""
_KEPT = "Nobody else would get anything of it, and nothing is sent for it at present, so it stays as it is."


async def read(
    caller: Caller, address: str, *, schedules_cursor: str | None, deliveries_cursor: str | None, limit: int
) -> RecipientView:
    """Return a page of the schedules that send to a person, and a page of the deliveries.

    Raises:
        Invalid: it is no mail address.
    """
    person = person_asked(address)
    async with caller.session() as session:
        found = await recipients.schedules_page(
            session, person, viewer=caller.viewer, cursor=schedules_cursor, limit=limit
        )
        listed = await recipients.suppression_of(session, person, viewer=caller.viewer)
    sent = await deliveries.page(caller, DeliveryFilter(person=person), cursor=deliveries_cursor, limit=limit)
    schedules = PageView[RecipientSchedule](
        items=[_schedule(row) for row in found.items], next_cursor=found.next_cursor
    )
    suppression = SuppressionView.model_validate(listed) if listed else None
    return RecipientView(address=person, suppression=suppression, schedules=schedules, deliveries=sent)


def _schedule(row: Schedule) -> RecipientSchedule:
    links = {"self": f"/api/v1/schedules/{row.id}"}
    return RecipientSchedule(id=row.id, name=row.name, owner=row.user_id, state=row.state, links=links)


async def remove(caller: Caller, address: str, *, cursor: str | None) -> RemovalView:
    """Take a person off every schedule that the caller may change, and off those whose deletion can still be undone.

    Raises:
        Invalid: it is no mail address.
    """
    person = person_asked(address)
    async with caller.session() as session:
        now = caller.context.now
        found = await recipients.schedules_page(
            session, person, viewer=caller.viewer, cursor=cursor, limit=MOST, undoable_at=now
        )
    changed: list[RemovedSchedule] = []
    left_alone: list[LeftAlone] = []
    for row in found.items:
        try:
            done = await caller.transact(partial(_remove, schedule_id=row.id, person=person, caller=caller))
        except (Conflict, Forbidden, Invalid, NotFound) as error:
            left_alone.append(LeftAlone(id=row.id, name=row.name, message=error.message, remedy=error.remedy))
            continue
        if done.removal is Removal.KEPT:
            left_alone.append(LeftAlone(id=row.id, name=row.name, message=_KEPT, remedy="Change it, or delete it."))
        else:
            changed.append(RemovedSchedule(id=done.schedule_id, name=done.name, removal=done.removal))
    await asyncio.gather(*(caller.services.reconciler.settle_schedule(one.id) for one in changed))
    return RemovalView(address=person, changed=changed, left_alone=left_alone, next_cursor=found.next_cursor)


async def _remove(session: AsyncSession, *, schedule_id: str, person: str, caller: Caller) -> Removed:
    return await removing.remove(session, schedule_id, person, caller.context)


async def erase(caller: Caller, address: str) -> ErasedView:
    """Replace an address by its pseudonym in what is on record.

    Raises:
        Invalid: it is no mail address.
        Conflict: a schedule still sends to the address, or an execution is under way to it.
    """
    done = await erasing.erase(caller.services.database, person_asked(address), caller.context)
    return ErasedView(pseudonym=done.pseudonym, replaced=done.replaced, not_reached=list(erasing.NOT_REACHED))
