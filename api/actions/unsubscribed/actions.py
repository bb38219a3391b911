"""Look at the people who have unsubscribed from a schedule, and let them get its mails again."""

from __future__ import annotations

from api.actions.caller import Caller
from api.actions.unsubscribed.views import UnsubscribedView
from api.actions.view import PageView
from mailroom.recipients import repository as recipients
from mailroom.schedules import repository as stored
from mailroom.schedules.recipients.subscribe import subscribe_again


async def page(caller: Caller, schedule_id: str, *, cursor: str | None, limit: int) -> PageView[UnsubscribedView]:
    """Return one page of the people who want nothing of a schedule, the latest first.

    Raises:
        NotFound: there is no such schedule.
    """
    async with caller.session() as session:
        await stored.get(session, schedule_id, viewer=caller.viewer)
        found = await recipients.unsubscribed_page(
            session, schedule_id, viewer=caller.viewer, cursor=cursor, limit=limit
        )
    return PageView(items=[UnsubscribedView.model_validate(row) for row in found.items], next_cursor=found.next_cursor)


async def remove(caller: Caller, schedule_id: str, address: str) -> None:
    """Let a person get the mails of a schedule again.

    Raises:
        NotFound, Forbidden, Invalid.
    """
    await caller.transact(lambda session: subscribe_again(session, schedule_id, address, caller.context))
