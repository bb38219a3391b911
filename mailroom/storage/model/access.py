"""The tables of who may do what: teams, keys, and what is shared with whom. Users stand in `storage/tables.py`.

A subject says with whom something is shared: `user:<id>`, `team:<id>` or `role:<role>`.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from mailroom.roles import Scope
from mailroom.storage.database import new_id
from mailroom.storage.model.base import Table, word_of


class Team(Table):
    """A team of users. `external_id` is the name that another product knows it by."""

    __tablename__ = "teams"
    __table_args__ = (Index(None, "external_id", unique=True),)
    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(200))
    external_id: Mapped[str | None] = mapped_column(String(200))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class ApiKey(Table):
    """A key of a user. Only a digest of it is kept; `prefix` is its first part, by which it is found and recognised.

    `reminded_at` is when its owner was told that it expires soon, `age_reminded_at` that it is old.
    """

    __tablename__ = "api_keys"
    __table_args__ = (Index(None, "prefix", unique=True), Index(None, "user_id"), Index(None, "expires_at"))
    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    name: Mapped[str] = mapped_column(String(200))
    prefix: Mapped[str] = mapped_column(String(40))
    digest: Mapped[str] = mapped_column(String(64))
    scope: Mapped[Scope] = mapped_column(word_of(Scope))
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    reminded_at: Mapped[datetime | None]
    age_reminded_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class ScheduleShare(Table):
    """A schedule that a user or a team may read besides its owner."""

    __tablename__ = "schedule_shares"
    __table_args__ = (Index(None, "subject"),)
    schedule_id: Mapped[str] = mapped_column(ForeignKey("export_schedules.id"), primary_key=True)
    subject: Mapped[str] = mapped_column(String(60), primary_key=True)


class ConnectionGrant(Table):
    """A connection that a user, a team or a role may use besides admins."""

    __tablename__ = "connection_grants"
    __table_args__ = (Index(None, "subject"),)
    connection: Mapped[str] = mapped_column(ForeignKey("connections.name", ondelete="CASCADE"), primary_key=True)
    subject: Mapped[str] = mapped_column(String(60), primary_key=True)
