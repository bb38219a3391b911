"""Remove what is past its time in a process of its own, and print what it took as JSON: `remover DATABASE_URL`."""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from datetime import UTC, datetime
from typing import Any

from mailroom.retention import service
from mailroom.retention.pace import Pace
from mailroom.settings import Settings
from mailroom.storage.database import Database

_FOREVER = 86_400.0


_LOCKS = [0.0]


class Noted(Pace):
    """A pace that notes for how many seconds each transaction held its locks."""

    def after(self, seconds: float) -> float:
        """Note it, and go on as always."""
        _LOCKS.append(seconds)
        return super().after(seconds)


async def remove(url: str) -> dict[str, Any]:
    """Remove everything; return how much, how long it took, the longest transaction and the greatest memory."""
    database = Database(url)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.monotonic()
    try:
        now = datetime.now(UTC)
        removed = await service.remove_old(database, Settings(), now=now, seconds=_FOREVER, pace=Noted)
    finally:
        await database.close()
    locks = sorted(_LOCKS)
    return {
        "removed": dict(removed),
        "seconds": round(time.monotonic() - began, 1),
        "transactions": len(locks) - 1,
        "longest_lock_ms": round(locks[-1] * 1000),
        "p99_lock_ms": round(locks[int(len(locks) * 0.99) - 1] * 1000),
        "start_mb": round(before / 1024),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(remove(sys.argv[1]))))
