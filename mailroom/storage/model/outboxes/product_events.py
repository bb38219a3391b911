"""The outbox of events that the product is told of."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from mailroom.storage.database import new_id
from mailroom.storage.model.base import Json, Table

_PENDING = text("state = 'pending'")


class ProductEvent(Table):
    """An event that the product is told of; its id is the `webhook-id` of every try.

    `state` is pending, sent or failed. A pending one is due at `next_attempt_at`; whoever tries it puts that off first,
    so that it is due again where the sender dies.
    """

    __tablename__ = "product_events"
    __table_args__ = (
        Index("ix_product_events_waiting", "next_attempt_at", sqlite_where=_PENDING, postgresql_where=_PENDING),
        Index(None, "created_at", "id"),
    )
    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    type: Mapped[str] = mapped_column(String(40))
    data: Mapped[Json]
    state: Mapped[str] = mapped_column(String(20), default="pending")
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime | None]
    retry_until: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    error: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime]
