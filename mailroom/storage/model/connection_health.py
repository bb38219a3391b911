"""Share between all processes what they know of a connection: its turns, how attempts ended, and its breaker.

They have no foreign key to the connection: a pass may end an attempt after its connection was deleted.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from mailroom.states import BreakerState
from mailroom.storage.model.base import Table, word_of


class ConnectionTurns(Table):
    """Hold the next turn of a connection, in microseconds since 1970; see `mailroom.connections.turns`.

    `next_us` is when the next attempt may begin, `line_us` the end of the line of those that come back later, and
    `went` whether the last one that asked got a turn. Whoever begins an attempt holds the row until that is committed.
    """

    __tablename__ = "connection_turns"
    name: Mapped[str] = mapped_column(String(100), primary_key=True)
    next_us: Mapped[int] = mapped_column(BigInteger)
    line_us: Mapped[int] = mapped_column(BigInteger, default=0)
    went: Mapped[bool] = mapped_column(default=True)


class ConnectionOutcomes(Table):
    """Count the attempts that worked and failed in the 30 seconds `period` (counted since 1970), in a ring of slots."""

    __tablename__ = "connection_outcomes"
    name: Mapped[str] = mapped_column(String(100), primary_key=True)
    slot: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    period: Mapped[int] = mapped_column(BigInteger)
    worked: Mapped[int]
    failed: Mapped[int]


class ConnectionHealth(Table):
    """Hold the breaker of a connection, see `mailroom.connections.breaker`. One without a row has always been closed.

    `trips` counts how often it opened in a row, `stop_id` is the stop that holds back what goes through it meanwhile.
    """

    __tablename__ = "connection_health"
    name: Mapped[str] = mapped_column(String(100), primary_key=True)
    state: Mapped[BreakerState] = mapped_column(word_of(BreakerState))
    since: Mapped[datetime]
    reason: Mapped[str] = mapped_column(Text, default="")
    trips: Mapped[int] = mapped_column(default=0)
    probe_at: Mapped[datetime | None]
    under_way: Mapped[int] = mapped_column(default=0)
    under_way_until: Mapped[datetime | None]
    succeeded: Mapped[int] = mapped_column(default=0)
    stop_id: Mapped[str | None] = mapped_column(String(36))
