"""The tables of incidents and of the alerts about them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from mailroom.storage.database import new_id
from mailroom.storage.model.base import Json, Table

_OPEN = text("resolved_at IS NULL")
_WAITING = text("state = 'pending'")
_END_UNTOLD = text("resolved_at IS NOT NULL AND told_level IS NOT NULL AND end_told_at IS NULL")


class Incident(Table):
    """Something that is or was wrong; at most one of a kind and subject is open at a time.

    `level` is whom it has reached, `next_level_at` when it goes to the next one. `merged_into` is the incident that
    covers this one, which is then not told by itself. `values` hold what its words need.

    It is told from `tell_at` on; None: not before it is seen with something new. `told_level` is the level that was
    told of it last, `end_told_at` when its end was handed on to be told. `flaps` marks one that came back soon after
    it was over: it only ends when it stays away for a while.
    """

    __tablename__ = "incidents"
    __table_args__ = (
        Index("uq_incidents_open", "kind", "subject", unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN),
        Index(None, "opened_at", "id"),
        Index(None, "owner_id", "opened_at"),
        Index(None, "resolved_at"),
        Index(None, "kind", "subject", "opened_at"),
        Index("ix_incidents_end_untold", "resolved_at", sqlite_where=_END_UNTOLD, postgresql_where=_END_UNTOLD),
    )
    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    kind: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(200))
    severity: Mapped[str] = mapped_column(String(20))
    values: Mapped[Json] = mapped_column(default=dict)
    owner_id: Mapped[str | None] = mapped_column(String(36))
    opened_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    seen: Mapped[int] = mapped_column(default=1)
    resolved_at: Mapped[datetime | None]
    merged_into: Mapped[str | None] = mapped_column(String(36))
    level: Mapped[str] = mapped_column(String(20))
    next_level_at: Mapped[datetime | None]
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[str | None] = mapped_column(String(320))
    muted_until: Mapped[datetime | None]
    tell_at: Mapped[datetime | None]
    told_level: Mapped[str | None] = mapped_column(String(20))
    end_told_at: Mapped[datetime | None]
    flaps: Mapped[bool] = mapped_column(default=False)


class IncidentSchedule(Table):
    """A schedule that an incident covers."""

    __tablename__ = "incident_schedules"
    __table_args__ = (Index(None, "schedule_id"),)
    incident_id: Mapped[str] = mapped_column(ForeignKey("incidents.id"), primary_key=True)
    schedule_id: Mapped[str] = mapped_column(String(36), primary_key=True)


class Alert(Table):
    """One message about one incident to one target by one route; `stage` is opened, escalated or resolved.

    `state` is one of `mailroom.alerts.spec.AlertState`. `fallback_of` is the alert that could not be sent, in whose
    place this one is. `user_id` is the user who is told; None: an address of a team or of operators. `in_doubt` says
    that the far side may have it, as an attempt is under way, or ended without an answer.
    """

    __tablename__ = "alerts"
    __table_args__ = (
        UniqueConstraint("incident_id", "stage", "level", "route", "target"),
        Index("ix_alerts_waiting", "next_attempt_at", sqlite_where=_WAITING, postgresql_where=_WAITING),
        Index(None, "created_at", "id"),
    )
    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    incident_id: Mapped[str] = mapped_column(ForeignKey("incidents.id"))
    stage: Mapped[str] = mapped_column(String(20))
    level: Mapped[str] = mapped_column(String(20))
    route: Mapped[str] = mapped_column(String(20))
    target: Mapped[str] = mapped_column(String(320))
    state: Mapped[str] = mapped_column(String(20))
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    error: Mapped[str] = mapped_column(Text, default="")
    fallback_of: Mapped[str | None] = mapped_column(String(36))
    user_id: Mapped[str | None] = mapped_column(String(36))
    in_doubt: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
