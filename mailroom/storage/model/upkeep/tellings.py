"""The table of the mails that are sent at set times, and of what readers were told."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from mailroom.storage.database import JsonOrNull, new_id
from mailroom.storage.model.base import Json, Table

_WAITING = text("state = 'pending'")


class Telling(Table):
    """A mail that is sent once for its kind, target and period: the unique key is the claim.

    `target` is the id of a user, or the address of a reader in lower case. `period` is the date of a digest or
    summary, or the occurrence that a reader waits for, as `occurrence_key` names it. `content` is the mail, and is
    forgotten when it has been sent; `id` stays the same for each try, and with it the Message-ID.
    """

    __tablename__ = "tellings"
    __table_args__ = (
        UniqueConstraint("kind", "target", "period"),
        Index("ix_tellings_waiting", "next_attempt_at", sqlite_where=_WAITING, postgresql_where=_WAITING),
        Index(None, "created_at"),
        Index(None, "kind", "period"),
        Index(None, "execution_id"),
    )
    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    kind: Mapped[str] = mapped_column(String(20))
    target: Mapped[str] = mapped_column(String(320))
    period: Mapped[str] = mapped_column(String(80))
    state: Mapped[str] = mapped_column(String(20))
    connection: Mapped[str] = mapped_column(String(100))
    content: Mapped[Json | None] = mapped_column(JsonOrNull)
    schedule_id: Mapped[str | None] = mapped_column(String(36))
    execution_id: Mapped[str | None] = mapped_column(String(36))
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    error: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime]


READER_NOTICE = "reader_notice"
"""The kind of the mails that tell a reader that a report does not come in time."""


def occurrence_key(schedule_id: str, due_at: datetime) -> str:
    """Return the period of what is told about one occurrence of a schedule. Pure."""
    return f"{schedule_id} {due_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
