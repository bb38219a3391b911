"""Read the events of the outbox, and remove old ones; `lifecycle` changes their state."""

from __future__ import annotations

from sqlalchemy import ColumnElement, false, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access.viewer import Viewer
from mailroom.product_events.spec import EventState
from mailroom.storage.model.outboxes.product_events import ProductEvent
from mailroom.storage.paging import Page, page


def visible_to(viewer: Viewer) -> ColumnElement[bool]:
    """Return the condition of the events that the viewer may see: an admin sees all, others none."""
    return true() if viewer.sees_all else false()


async def list_page(
    session: AsyncSession,
    *,
    viewer: Viewer,
    state: EventState | None,
    type_: str | None,
    cursor: str | None,
    limit: int,
) -> Page[ProductEvent]:
    """Return a page of events, the latest first."""
    query = select(ProductEvent).where(
        visible_to(viewer),
        true() if state is None else ProductEvent.state == state,
        true() if type_ is None else ProductEvent.type == type_,
    )
    return await page(
        session, query, key=ProductEvent.created_at, row_id=ProductEvent.id, cursor=cursor, limit=limit, descending=True
    )
