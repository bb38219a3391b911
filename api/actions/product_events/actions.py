"""Look at what the product is told of, and let one event be tried again."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from api.actions.caller import Caller
from api.actions.product_events.views import ProductEventView
from api.actions.view import PageView
from mailroom.product_events import lifecycle, repository
from mailroom.product_events.spec import EventState
from mailroom.setting_groups.product_events import ProductEventType


async def page(
    caller: Caller, *, state: EventState | None, type_: ProductEventType | None, cursor: str | None, limit: int
) -> PageView[ProductEventView]:
    """Return one page of events, the latest first."""
    async with caller.session() as session:
        found = await repository.list_page(
            session, viewer=caller.viewer, state=state, type_=type_, cursor=cursor, limit=limit
        )
    return PageView(items=[ProductEventView.model_validate(row) for row in found.items], next_cursor=found.next_cursor)


async def retry(caller: Caller, event_id: str) -> ProductEventView:
    """Let an event be tried at once, and again for a day.

    Raises:
        NotFound.
        Conflict: the product has taken it.
    """

    async def change(session: AsyncSession) -> ProductEventView:
        row = await lifecycle.retry(session, event_id, viewer=caller.viewer, now=caller.context.now)
        return ProductEventView.model_validate(row)

    return await caller.transact(change)
