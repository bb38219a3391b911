"""The tables of the people who get reports: which schedules send to an address, and what is never sent to."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from mailroom.storage.database import new_id
from mailroom.storage.model.base import Table


class ScheduleRecipient(Table):
    """A mail address that a schedule sends to, in lower case, so that one query finds all schedules of a person.

    Derived from the destinations: written in the transaction that writes the schedule.
    """

    __tablename__ = "schedule_recipients"
    __table_args__ = (Index(None, "schedule_id"),)
    address: Mapped[str] = mapped_column(String(320), primary_key=True)
    schedule_id: Mapped[str] = mapped_column(ForeignKey("export_schedules.id"), primary_key=True)


class Unsubscription(Table):
    """An address, in lower case, that wants no mail of one schedule any more; `delivery_id` is the mail by whose link
    it said so.
    """

    __tablename__ = "unsubscriptions"
    __table_args__ = (Index(None, "schedule_id"),)
    address: Mapped[str] = mapped_column(String(320), primary_key=True)
    schedule_id: Mapped[str] = mapped_column(ForeignKey("export_schedules.id"), primary_key=True)
    delivery_id: Mapped[str] = mapped_column(String(36))
    created_at: Mapped[datetime]


class Suppression(Table):
    """An address that nothing is ever sent to, in lower case; `@example.com` stands for a whole domain."""

    __tablename__ = "suppressions"
    __table_args__ = (Index(None, "address", unique=True), Index(None, "created_at", "id"))
    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    address: Mapped[str] = mapped_column(String(320))
    reason: Mapped[str] = mapped_column(Text)
    created_by: Mapped[str] = mapped_column(String(320))
    created_at: Mapped[datetime]
