"""Tell the time by the clock of the database, so that hosts whose clocks differ agree on every instant.

Leases, due times and expiries are written by one host and judged by another. Each process therefore learns how far its
own clock is from the database's, and tells the database's time. Between two measurements it counts on with a clock of
the machine that nobody sets, so that a step of the local clock changes nothing.

SQLite has no clock of its own: all its processes are on one machine, whose clock is then the only one.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

_LOG = logging.getLogger(__name__)
MEASURED_FOR = 20.0
"""A measurement holds for so many seconds; the next use of a connection after that makes another one."""
PRECISE = 0.5
"""An answer that took longer than so many seconds says too little about the time; one before it is kept meanwhile."""
KEPT_FOR = 600.0
"""For how long an imprecise answer is refused in favour of an older measurement."""
AGREES_WITHIN = 5.0
"""By how many seconds the clock of a host may differ from the database's before the doctor and `/readyz` warn."""
ALLOWED = 30.0
"""By how many seconds it may differ at most, as the documentation of several hosts says; more is told to operators."""
_WORTH_TELLING = 1.0
_TRIES = 2
"""The first answer of a connection includes what the driver prepares, so the second one is quicker."""


def machine_seconds() -> float:
    """Return seconds that nobody sets, and that go on while the machine sleeps, where the system offers that."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot is None else time.clock_gettime(boot)


def local_time() -> datetime:
    """Return the time of this host's own clock."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class _Measured:
    """The database's time at a moment of the machine, exact to half of `took` seconds."""

    said: datetime
    at: float
    took: float
    ahead: float


class DatabaseClock:
    """Tells the database's time, once it was measured; until then, this host's.

    Args:
        local: the host's own clock.
        seconds: a clock of the machine that nobody sets.
    """

    def __init__(
        self, local: Callable[[], datetime] = local_time, seconds: Callable[[], float] = machine_seconds
    ) -> None:
        self._local, self._seconds = local, seconds
        self._measured: _Measured | None = None
        self._tried_at: float | None = None

    def now(self) -> datetime:
        """Return the time, aware and in UTC."""
        if self._measured is None:
            return self._local()
        return self._measured.said + timedelta(seconds=self._seconds() - self._measured.at)

    @property
    def is_known(self) -> bool:
        """Tell whether the database has told its time."""
        return self._measured is not None

    @property
    def ahead(self) -> float | None:
        """Return by how many seconds this host's clock is ahead of the database's; None where nothing was measured."""
        return None if self._measured is None else self._measured.ahead

    def is_due(self) -> bool:
        """Tell whether another measurement is due."""
        return self._tried_at is None or self._seconds() - self._tried_at >= MEASURED_FOR

    def measure(self, ask: Callable[[], datetime]) -> None:
        """Ask the database for its time, and keep the most precise answer."""
        for _ in range(_TRIES):
            self._tried_at = before = self._seconds()
            said = ask()
            after = self._seconds()
            middle, took = (before + after) / 2, after - before
            local = self._local() - timedelta(seconds=after - middle)
            self._keep(_Measured(said.astimezone(UTC), middle, took, (local - said).total_seconds()))

    def _keep(self, found: _Measured) -> None:
        last = self._measured
        just_now = last is not None and found.at - last.at < MEASURED_FOR / 2
        if last is not None and found.took > last.took and (just_now or self._is_too_vague(found, last)):
            return
        is_new = last is None or abs(last.ahead - found.ahead) > _WORTH_TELLING
        if is_new and abs(found.ahead) > AGREES_WITHIN:
            _LOG.warning("This host's clock is %+.1f s from the database's, whose time is used.", found.ahead)
        self._measured = found

    @staticmethod
    def _is_too_vague(found: _Measured, last: _Measured) -> bool:
        return found.took > PRECISE and found.at - last.at < KEPT_FOR


def watch(engine: Engine, clock: DatabaseClock) -> None:
    """Measure the clock of this engine's database whenever a connection is used and the last measurement is old."""

    def checked_out(connection: DBAPIConnection, _entry: ConnectionPoolEntry, _proxy: Any) -> None:
        if not clock.is_due():
            return
        try:
            clock.measure(lambda: _ask(connection))
        except Exception:
            # Whoever uses the connection next meets the same error, in a place that knows what to do about it.
            _LOG.warning("The database was asked for its time, and did not tell it.", exc_info=True)

    event.listen(engine, "checkout", checked_out)


def _ask(connection: DBAPIConnection) -> datetime:
    cursor = connection.cursor()
    try:
        cursor.execute("SELECT clock_timestamp()")
        row = cursor.fetchone()
    finally:
        cursor.close()
        connection.rollback()
    said = row[0] if row else None
    assert isinstance(said, datetime), "it is a timestamp with time zone"
    return said
