"""The table of how far the removal of what is old has come."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from mailroom.storage.model.base import Table


class RetentionProgress(Table):
    """The place up to which one kind of thing was looked at, in the order of (`at`, `id`), and the end of the lease of
    the process that looks.

    Kinds whose rows stay where something of them is removed need it, so that no round looks at them again.
    """

    __tablename__ = "retention_progress"
    kind: Mapped[str] = mapped_column(String(40), primary_key=True)
    at: Mapped[datetime]
    id: Mapped[str] = mapped_column(String(36), default="")
    leased_until: Mapped[datetime]
