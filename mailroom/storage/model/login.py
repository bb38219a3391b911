"""The tables of log-in: web sessions, passwords, one-time links, subjects of the identity provider, failures.

Of each secret only a hash is kept. What has random bits enough is kept as SHA-256, passwords as argon2id.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from mailroom.storage.database import new_id
from mailroom.storage.model.base import Table


class WebSession(Table):
    """A log-in of a browser. `expires_at` is when it ends in any case; it ends earlier when it is idle, or ended.

    `method` is how it began: password, oidc or link. `address` and `agent` help its user to recognise it. `notices` are
    what the next page tells of what was done, see `api.web.notices`.
    """

    __tablename__ = "web_sessions"
    __table_args__ = (Index(None, "digest", unique=True), Index(None, "user_id"), Index(None, "expires_at"))
    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    digest: Mapped[str] = mapped_column(String(64))
    method: Mapped[str] = mapped_column(String(20))
    address: Mapped[str] = mapped_column(String(64))
    agent: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    notices: Mapped[list[Any]] = mapped_column(default=list)


class LocalPassword(Table):
    """The password of a user, as argon2id."""

    __tablename__ = "local_passwords"
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), primary_key=True)
    hash: Mapped[str] = mapped_column(String(200))
    changed_at: Mapped[datetime]


class LoginLink(Table):
    """A link that opens once, to log in or to set a password. `made_by` is the address of the admin who made it."""

    __tablename__ = "login_links"
    __table_args__ = (Index(None, "digest", unique=True), Index(None, "user_id"), Index(None, "expires_at"))
    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    digest: Mapped[str] = mapped_column(String(64))
    purpose: Mapped[str] = mapped_column(String(20))
    made_by: Mapped[str] = mapped_column(String(320))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class Identity(Table):
    """A subject of an identity provider, and the user it is. `told_at` is when the token was issued that last said
    which role and team the user has.
    """

    __tablename__ = "identities"
    __table_args__ = (Index(None, "issuer", "subject", unique=True), Index(None, "user_id"))
    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    issuer: Mapped[str] = mapped_column(String(400))
    subject: Mapped[str] = mapped_column(String(255))
    told_at: Mapped[datetime]
    created_at: Mapped[datetime]


class LoginFailures(Table):
    """The number of failed log-ins since `since`, for an address, an account, or both together."""

    __tablename__ = "login_failures"
    __table_args__ = (Index(None, "since"),)
    subject: Mapped[str] = mapped_column(String(64), primary_key=True)
    tries: Mapped[int]
    since: Mapped[datetime]
