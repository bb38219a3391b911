"""The tables of what is stopped, and of the clock by which a database shows its age."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from mailroom.storage.database import new_id
from mailroom.storage.tables import Table


class Stop(Table):
    """A stop of everything, one connection, one report or one schedule (`mailroom.stops.spec`); it stands until it is
    resumed. The partial unique index keeps one of a kind standing.

    `known_until` is set where a restored database caused it: what the database knows ends there.
    """

    __tablename__ = "stops"
    __table_args__ = (
        Index(
            "uq_stops_standing",
            "scope",
            "target",
            "cause",
            unique=True,
            sqlite_where=text("resumed_at IS NULL"),
            postgresql_where=text("resumed_at IS NULL"),
        ),
    )
    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    scope: Mapped[str] = mapped_column(String(20))
    target: Mapped[str] = mapped_column(String(100))
    cause: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str] = mapped_column(Text)
    stopped_by: Mapped[str] = mapped_column(String(320))
    stopped_at: Mapped[datetime]
    known_until: Mapped[datetime | None]
    resumed_by: Mapped[str | None] = mapped_column(String(320))
    resumed_at: Mapped[datetime | None]


class LedgerClock(Table):
    """The one row that tells which database this is, and how old: `ticks` only grows; see `mailroom.stops.restored`.

    `artifact_store` is the mark of the store that its artifacts lie in (`mailroom.storage.hosts.marker`). `works_from`
    is the oldest version of the tables whose programs can work with these (`mailroom.storage.migrations`).
    """

    __tablename__ = "ledger_clock"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    ledger_id: Mapped[str] = mapped_column(String(36))
    ticks: Mapped[int] = mapped_column(BigInteger)
    ticked_at: Mapped[datetime]
    artifact_store: Mapped[str | None] = mapped_column(String(36))
    works_from: Mapped[str | None] = mapped_column(String(32))
