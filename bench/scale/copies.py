"""`python -m bench.scale.copies HAVE WANTED`: copies the schedule `idle 0` until there are so many in both places.

The environment has the settings of an API process and of a Prefect server; its servers may run meanwhile.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime

from bench.peak.copies import moments, ours, prefects
from mailroom.settings import current


async def copy(have: int, wanted: int) -> None:
    """Copy in both places."""
    settings = current()
    due = moments(wanted - have, datetime.now(UTC))
    await prefects(settings, *await ours(settings, due, begin=have))


if __name__ == "__main__":
    asyncio.run(copy(int(sys.argv[1]), int(sys.argv[2])))
