"""The tables of what the watch has counted: each hour of due times, and totals since the beginning."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from mailroom.storage.model.base import Json, Table


class CountedHour(Table):
    """The outcomes of the scheduled occurrences that were due in the hour that begins at `hour`.

    `counts`, `flow` and `detail` are what the ledger says now, in three parts that are not read together; `most` is the
    most that each totalled count ever was, which is what the totals have of this hour. The names of all of them are
    defined in `mailroom.watching.counts.names`.
    """

    __tablename__ = "counted_hours"
    hour: Mapped[datetime] = mapped_column(primary_key=True)
    counts: Mapped[Json]
    flow: Mapped[Json]
    detail: Mapped[Json]
    most: Mapped[Json]


class CountedDay(Table):
    """The `detail` of the hours of a day of UTC together, which is long: a month of it is read by the day."""

    __tablename__ = "counted_days"
    day: Mapped[datetime] = mapped_column(primary_key=True)
    detail: Mapped[Json]


class CountedTotals(Table):
    """Totals since the beginning, which never go down: not by retention, nor by a retry that a person asked for.

    `looked_until` is when the ledger was last looked at. `kept` has figures that take long to count, and when they were
    counted. Whoever writes an hour holds the only row.
    """

    __tablename__ = "counted_totals"
    name: Mapped[str] = mapped_column(String(20), primary_key=True)
    since: Mapped[datetime]
    looked_until: Mapped[datetime]
    counts: Mapped[Json]
    kept: Mapped[Json]
