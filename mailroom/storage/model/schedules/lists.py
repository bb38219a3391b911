"""The tables that lists of schedules are chosen by, and the order that the home page has them in."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from mailroom.storage.database import new_id
from mailroom.storage.model.base import Table

DUE = "coalesce(next_run, '9999-12-31 00:00:00+00')"
"""When a schedule is due next as SQL; where nothing is due, after everything else, on both databases.

It is written out, since an index over an expression only helps a query that has the same one, constants included.
"""


class ScheduleDestination(Table):
    """A destination of a schedule: its channel, its connection, and how many mail addresses or places it goes to.

    A row with none is the connection of the store that the links of a destination lead to; it comes behind them all.
    Derived from the destinations: written in the transaction that writes the schedule.
    """

    __tablename__ = "schedule_destinations"
    __table_args__ = (Index(None, "channel", "connection"), Index(None, "connection"))
    schedule_id: Mapped[str] = mapped_column(ForeignKey("export_schedules.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    channel: Mapped[str] = mapped_column(String(40))
    connection: Mapped[str] = mapped_column(String(100))
    recipients: Mapped[int]


class SavedView(Table):
    """A view of the list of schedules that a user has saved: its name, and its query as it stands in the address."""

    __tablename__ = "saved_views"
    __table_args__ = (Index(None, "user_id", "name", unique=True),)
    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    name: Mapped[str] = mapped_column(String(60))
    query: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
