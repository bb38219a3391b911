"""The table of what was fetched by links."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from mailroom.storage.database import new_id
from mailroom.storage.model.base import Table


class Download(Table):
    """A file that was fetched by the link of a delivery: which one, when, from where and by what program."""

    __tablename__ = "downloads"
    __table_args__ = (Index(None, "delivery_id", "at"),)
    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    delivery_id: Mapped[str] = mapped_column(ForeignKey("deliveries.id"))
    at: Mapped[datetime]
    filename: Mapped[str] = mapped_column(String(255))
    sha256: Mapped[str] = mapped_column(String(64))
    address: Mapped[str] = mapped_column(String(64))
    agent: Mapped[str] = mapped_column(String(200))
