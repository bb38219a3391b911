"""Define the table of answers that are kept for repeated requests."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from mailroom.storage.model.base import Json, Table


class IdempotencyKey(Table):
    """The answer that a POST with this `Idempotency-Key` got; a repeat gets it again."""

    __tablename__ = "idempotency_keys"
    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    user_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    request_hash: Mapped[str] = mapped_column(String(64))
    status_code: Mapped[int | None]
    response: Mapped[Json | None]
    created_at: Mapped[datetime] = mapped_column(index=True)
