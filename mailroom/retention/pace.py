"""Decide how much one transaction removes, so that whoever writes beside it waits for a moment only. Pure."""

from __future__ import annotations

from dataclasses import dataclass

FEWEST = 20
MOST = 4000
FIRST = 200
AIM_SECONDS = 0.06
"""A transaction should take this long. The longest may take several times as long, on a disk that is busy."""
REST = 1.5
"""Nothing is removed after a transaction for this multiple of its time: others get more than half of the time."""
SHORTEST_REST = 0.005
_GROWTH = 1.5


@dataclass
class Pace:
    """Keep count of how many rows the next transaction may remove."""

    rows: int = FIRST

    def after(self, seconds: float) -> float:
        """Note how long a transaction took; return for how many seconds to rest."""
        wanted = self.rows * AIM_SECONDS / max(seconds, 0.001)
        self.rows = int(min(MOST, max(FEWEST, min(wanted, self.rows * _GROWTH))))
        return max(SHORTEST_REST, seconds * REST)
