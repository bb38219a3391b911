"""Another process that wants to reach for the far sides of open breakers; it prints those that it may reach for.

Its arguments are the database and how many there are; it says that it is ready, and begins when it gets a line.
"""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import UTC, datetime
from functools import partial

from mailroom.connections.breaker import service as breaker
from mailroom.storage.database import Database


async def claim(url: str, count: str) -> None:
    """Ask for each of them, in the order in which the other process does."""
    database = Database(url)
    async with database.session() as session:
        await session.connection()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.readline)
    names, mine = [f"line-{number}" for number in range(int(count))], []
    for name in names:
        begin = partial(breaker.begin_reaching, name=name, now=datetime.now(UTC))
        if await database.transact(begin) is not None:
            mine.append(name)
    await database.close()
    sys.stdout.write(json.dumps(mine))


if __name__ == "__main__":
    asyncio.run(claim(*sys.argv[1:]))
