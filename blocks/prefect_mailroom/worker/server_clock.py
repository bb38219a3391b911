"""Tell the time of Prefect's server, by which runs are due, on a host whose own clock may be wrong.

Each answer of the server has a header with its time in whole seconds. A worker that is asked to begin a run at nine
would begin it half a minute early or late where its host's clock is off by as much. Where the host's clock agrees with
the header, as far as that can tell, the host's clock counts, since it is exact.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

AGREES_WITHIN = 2.0
"""By how many seconds the host's clock may differ and still counts. The header is exact to a second."""
_ANSWERS = 20
_KEPT_FOR = 120.0


def _local() -> datetime:
    return datetime.now(UTC)


class ServerClock:
    """Tells the server's time by its latest answers; before the first one, the host's.

    Args:
        local: the host's own clock.
        seconds: a clock of the machine that nobody sets.
    """

    def __init__(self, local: Callable[[], datetime] = _local, seconds: Callable[[], float] = time.monotonic) -> None:
        self._local, self._seconds = local, seconds
        self._answers: deque[tuple[float, datetime]] = deque(maxlen=_ANSWERS)

    def heard(self, stamp: str) -> None:
        """Take in the time that an answer bears. One without a time, or with none that can be read, says nothing."""
        try:
            said = parsedate_to_datetime(stamp)
        except ValueError:
            return
        if said.tzinfo is not None:
            self._answers.append((self._seconds(), said))

    def now(self) -> datetime:
        """Return the time, aware and in UTC; where it is the server's, too early by a second at most."""
        local, at = self._local(), self._seconds()
        fresh = [said + timedelta(seconds=at - heard) for heard, said in self._answers if at - heard <= _KEPT_FOR]
        if not fresh:
            return local
        # An answer that was slow on its way tells too early a time, and none tells too late a one: so nothing is early.
        server = max(fresh)
        off = local - server - timedelta(seconds=0.5)
        return server if abs(off) > timedelta(seconds=AGREES_WITHIN) else local
