"""The life of an event in the outbox: who tries it, and what came of it; the only place where its state changes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access.viewer import Viewer
from mailroom.errors import Conflict, NotFound
from mailroom.product_events.emit import RETRIED_FOR
from mailroom.product_events.repository import visible_to
from mailroom.product_events.spec import EventState
from mailroom.storage.model.outboxes.product_events import ProductEvent

LEASE = timedelta(seconds=60)
"""A process has an event that it tries to itself for this long, which is longer than a try may take."""


async def claim(session: AsyncSession, *, now: datetime, limit: int) -> Sequence[ProductEvent]:
    """Take events that are due, so that nobody else tries them for a minute; the oldest first."""
    due = (ProductEvent.state == EventState.PENDING, ProductEvent.next_attempt_at <= now)
    first = select(ProductEvent.id).where(*due).order_by(ProductEvent.next_attempt_at).limit(limit)
    # What another process has taken since the inner look does not fulfil the outer condition any more.
    query = (
        update(ProductEvent)
        .where(ProductEvent.id.in_(first), *due)
        .values(next_attempt_at=now + LEASE, attempts=ProductEvent.attempts + 1)
        .returning(ProductEvent)
        .execution_options(populate_existing=True)
    )
    return (await session.scalars(query)).all()


async def record(
    session: AsyncSession, event: ProductEvent, *, error: str, again: datetime | None, now: datetime
) -> None:
    """Write what came of a try, unless another one has begun since.

    Args:
        error: why the product did not take it; empty where it did.
        again: when it is tried again; None where it is given up.
    """
    state = EventState.SENT if not error else EventState.PENDING if again else EventState.FAILED
    await session.execute(
        update(ProductEvent)
        .where(
            ProductEvent.id == event.id,
            ProductEvent.attempts == event.attempts,
            ProductEvent.state == EventState.PENDING,
        )
        .values(state=str(state), error=error, next_attempt_at=again, sent_at=None if error else now)
    )


async def retry(session: AsyncSession, event_id: str, *, viewer: Viewer, now: datetime) -> ProductEvent:
    """Let an event that waits, or was given up, be tried at once, and again for a day.

    Raises:
        NotFound: there is none of that id.
        Conflict: the product has taken it.
    """
    query = select(ProductEvent).where(ProductEvent.id == event_id, visible_to(viewer)).with_for_update()
    found = (await session.scalars(query)).one_or_none()
    if found is None:
        raise NotFound(
            f"There is no event {event_id[:60]}.", remedy="GET /api/v1/product-events lists them.", code="no_event"
        )
    if found.state == EventState.SENT:
        raise Conflict("The product has taken this event already; it is not sent again.")
    found.state, found.next_attempt_at, found.retry_until = str(EventState.PENDING), now, now + RETRIED_FOR
    return found
