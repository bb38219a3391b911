"""Tell whether looks have followed one another without a gap. Pure: the clock is passed in."""

from __future__ import annotations

from mailroom.passes.lease import RENEWAL_SECONDS

GAP_SECONDS = 3 * RENEWAL_SECONDS
"""After a longer gap nobody knows whether leases ended because their processes died, or because the database was away
for everybody."""


class SteadyLooks:
    """Keeps when the last looks ended well; a gap must be followed by looks for as long before leases count again."""

    def __init__(self) -> None:
        self._last: float | None = None
        self._since: float | None = None

    def looked(self, now: float) -> None:
        """Note that a look ended well, at these seconds of a clock that only grows."""
        if self._last is None or self._since is None or now - self._last > GAP_SECONDS:
            self._since = now
        self._last = now

    def is_steady(self, now: float) -> bool:
        """Tell whether looks have gone on without a gap for longer than anybody needs to renew a lease."""
        if self._last is None or self._since is None or now - self._last > GAP_SECONDS:
            return False
        return now - self._since >= RENEWAL_SECONDS
