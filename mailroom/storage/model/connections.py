"""Define the table of connections. What is kept of their health has tables of its own, in `connection_health`."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from mailroom.storage.model.base import Table


class Connection(Table):
    """Name and kind of a Prefect block document; the secrets are in the block alone.

    One that is not made yet has only taken its name: whether Prefect has a block of that name, and whose, is open.
    `secret_changed_at` is None where there is no secret, or where nobody wrote down since when it is what it is. The
    last check is forgotten when the settings change.
    """

    __tablename__ = "connections"
    name: Mapped[str] = mapped_column(String(100), primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    block_type_slug: Mapped[str] = mapped_column(String(100))
    description: Mapped[str] = mapped_column(Text, default="")
    is_made: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    secret_changed_at: Mapped[datetime | None]
    last_check_at: Mapped[datetime | None]
    last_check_ok: Mapped[bool | None]
    last_check_message: Mapped[str | None] = mapped_column(Text)
