"""The tables of what users are told, and of what they do not want to hear of."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from mailroom.storage.database import new_id
from mailroom.storage.model.base import Table


class Notification(Table):
    """A notification that a user should see, such as a failure or a suspension.

    `kind` is a word of `mailroom.notifications.kinds.Kind`; a newer version may have stored one that is not known here.
    `subject` is the name of what it is about if that is no schedule, such as of a connection.
    """

    __tablename__ = "notifications"
    __table_args__ = (
        Index(None, "user_id", "read_at", "at"),
        Index(None, "user_id", "at", "id"),
        Index(None, "schedule_id", "at"),
        Index(None, "at", "id"),
    )
    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(40), server_default="other")
    severity: Mapped[str] = mapped_column(String(20))
    title: Mapped[str] = mapped_column(String(300))
    body: Mapped[str] = mapped_column(Text)
    schedule_id: Mapped[str | None] = mapped_column(String(36))
    execution_id: Mapped[str | None] = mapped_column(String(36))
    incident_id: Mapped[str | None] = mapped_column(String(36))
    subject: Mapped[str | None] = mapped_column(String(200))
    read_at: Mapped[datetime | None]


class NotificationMute(Table):
    """A schedule about which a user wants silence until a time; without one, for good."""

    __tablename__ = "notification_mutes"
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), primary_key=True)
    schedule_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    until: Mapped[datetime | None]
    created_at: Mapped[datetime]
