"""The table of what users have asked for within the last hour."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from mailroom.storage.database import new_id
from mailroom.storage.model.base import Table


class HourlyUse(Table):
    """One thing that a user asked for, such as a test: `amount` counts towards the `budget` for an hour.

    Rows of users without a limit are not written, and older ones go with the next one of the same user.
    """

    __tablename__ = "hourly_uses"
    __table_args__ = (Index(None, "user_id", "budget", "at"),)
    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    budget: Mapped[str] = mapped_column(String(20))
    amount: Mapped[int]
    at: Mapped[datetime]
