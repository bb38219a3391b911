"""The loop that finishes the deletions of schedules when they cannot be undone any more.

It only writes our tables; the reconciler then removes the deployments, as after every other change.
"""

from __future__ import annotations

from deployments.watched_loop import WatchedLoop
from mailroom.schedules.deletions import finish
from mailroom.storage.database import Database


def deletion_loop(database: Database) -> WatchedLoop:
    """Return the loop of this process; several at once do no harm."""

    async def tick() -> None:
        await finish.finish_due(database, now=database.now())

    return WatchedLoop("deletions", tick, every=finish.EVERY_SECONDS, late_after=finish.LATE_AFTER_SECONDS)
