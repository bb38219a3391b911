"""The tables that seal the audit trail, and the ages of the secrets of the installation."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from mailroom.storage.model.base import Table


class AuditSeal(Table):
    """The place of an entry in the chain of the audit trail, and the hash of the chain up to it.

    A row of its own, since an entry is never updated. It has no foreign key: an entry that was removed by force must be
    found as missing, and not take its seal along.
    """

    __tablename__ = "audit_seals"
    position: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    event_id: Mapped[str] = mapped_column(String(36), unique=True)
    hash: Mapped[str] = mapped_column(String(64))


class AuditChain(Table):
    """The one row that the sealers lock: the end of the chain, and where it begins.

    Entries up to `kept_after` may be removed, since a signed checkpoint has the hash `kept_hash` of that place.
    """

    __tablename__ = "audit_chain"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    trail_id: Mapped[str] = mapped_column(String(36))
    position: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[str] = mapped_column(String(64))
    sealed_at: Mapped[datetime]
    kept_after: Mapped[int] = mapped_column(BigInteger)
    kept_hash: Mapped[str] = mapped_column(String(64))


class SecretAge(Table):
    """Since when a secret of the installation is what it is. `fingerprint` is of the secret, and tells nothing else."""

    __tablename__ = "secret_ages"
    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String(64))
    since: Mapped[datetime]
    reminded_at: Mapped[datetime | None]
