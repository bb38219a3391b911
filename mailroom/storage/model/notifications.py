"""The table of what users are told."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from mailroom.storage.database import new_id
from mailroom.storage.model.base import Table


class Notification(Table):
    """A notification that a user should see, such as a failure or a suspension."""

    __tablename__ = "notifications"
    __table_args__ = (Index(None, "user_id", "read_at", "at"),)
    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    at: Mapped[datetime]
    severity: Mapped[str] = mapped_column(String(20))
    title: Mapped[str] = mapped_column(String(300))
    body: Mapped[str] = mapped_column(Text)
    schedule_id: Mapped[str | None] = mapped_column(String(36))
    execution_id: Mapped[str | None] = mapped_column(String(36))
    read_at: Mapped[datetime | None]
