"""Say who uses a link: nobody has logged in, so all that is known is from where the request came."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

LONGEST_ADDRESS = 64
LONGEST_AGENT = 200


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whoever uses a link now. `agent` is what the program says of itself, and may be anything."""

    address: str
    agent: str
    now: datetime

    @property
    def kept_agent(self) -> str:
        """Return the agent as it is kept: cut, on one line, and without what Postgres cannot store."""
        return "".join(one if one.isprintable() else " " for one in self.agent)[:LONGEST_AGENT]
