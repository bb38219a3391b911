"""Keep on a delivery how many bytes of a large upload have left, while it lasts.

It is written seldom, by the pass that sends; the end of an attempt takes it away, or makes it whole, by the statement
that writes the end anyway.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.states import DeliveryState
from mailroom.storage.tables import Delivery

NOT_UNDER_WAY: Mapping[str, Any] = {"sent_bytes": None, "total_bytes": None}
"""The values of a delivery of which nothing is being sent."""
WHOLE: Mapping[str, Any] = {"sent_bytes": Delivery.total_bytes}
"""The values of a delivery that has arrived: where its bytes were counted, all of them have left."""


async def note(session: AsyncSession, delivery_id: str, attempt: int, *, sent: int, total: int) -> None:
    """Write how far the upload of an attempt is, while that attempt is the latest and under way."""
    mine = (Delivery.id == delivery_id, Delivery.attempts == attempt, Delivery.status == DeliveryState.SENDING)
    await session.execute(update(Delivery).where(*mine).values(sent_bytes=sent, total_bytes=total))
