"""The loop that reaches for the far sides of connections that do not work, without a delivery."""

from __future__ import annotations

from deployments.watched_loop import WatchedLoop
from mailroom.connections.breaker import reaching
from mailroom.settings import Settings
from mailroom.storage.database import Database


def reach_loop(database: Database, settings: Settings) -> WatchedLoop:
    """Return the loop of this process; several at once do no harm, since they ask the database who reaches."""

    async def tick() -> None:
        await reaching.look(database, settings, clock=database.now)

    return WatchedLoop("reach", tick, every=reaching.EVERY_SECONDS, late_after=reaching.LATE_AFTER_SECONDS)
