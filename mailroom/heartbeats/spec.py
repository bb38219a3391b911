"""Say what a sign of life is, and name the processes that give them."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

WRITER = "heartbeats"
"""The loop that writes the signs of life of its process: while it is heard, the process lives."""
UPKEEP = "upkeep"
"""The flow that does the work of the loops once a minute on a worker."""
WORKERS = "worker"
"""The process that the upkeep stands under: any worker of the pool may run it."""
_LONGEST = 120


@dataclass(frozen=True, slots=True)
class Beat:
    """The last sign of life of one loop of one process, or the last thing that a process has seen.

    Attributes:
        process: the role and the place, such as `api host-1:4711`.
        began_at: when the process began.
        last_success: the end of the last successful round; where there was none yet, when the process began.
        late_after: for how many seconds it may be silent.
    """

    name: str
    process: str
    began_at: datetime
    last_success: datetime
    late_after: float
    detail: Mapping[str, Any] = field(default_factory=dict)

    def silent_for(self, now: datetime) -> float:
        """Return for how many seconds it has been silent."""
        return (now - self.last_success).total_seconds()

    def is_late(self, now: datetime) -> bool:
        """Tell whether it has been silent for too long."""
        return self.silent_for(now) > self.late_after

    @property
    def role(self) -> str:
        """Return what its process does: `api`, `worker`."""
        return self.process.partition(" ")[0]

    @property
    def steady_since(self) -> datetime | None:
        """Return since when it has missed no turn; None where it does not say."""
        text = self.detail.get("steady_since")
        return datetime.fromisoformat(text) if text else None


def process_name(role: str) -> str:
    """Return the name of this process."""
    return f"{role} {socket.gethostname()}:{os.getpid()}"[:_LONGEST]
