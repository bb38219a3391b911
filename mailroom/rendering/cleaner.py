"""Remove what is past its time: files of the store, renderings, left-over folders, answers kept for repeated requests.

Each look does a little, so that neither the database nor the disk is busy with it for long. Any number of processes may
look at once. The rows of artifacts stay: the history names its files for good.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from mailroom.rendering import repository as renderings
from mailroom.settings import Settings
from mailroom.storage import idempotency
from mailroom.storage.artifacts import SHELVES, ArtifactStore, remove_left_over_folders
from mailroom.storage.database import Database

EVERY_SECONDS = 60.0
"""How long after one look the next one begins. Each looks at one of the 256 shelves of the store."""
LATE_AFTER_SECONDS = 3600.0
"""For how long looks may fail before the process is not ready: nothing is urgent here."""
_BATCH = 500
_MARGIN = timedelta(days=1)
"""How long after its time everything is kept, so that work which has just found it can end."""


@dataclass(slots=True)
class Cleaned:
    """The number of things that one look removed."""

    files: int = 0
    folders: int = 0
    renderings: int = 0
    answers: int = 0

    def __bool__(self) -> bool:
        return any(getattr(self, one.name) for one in fields(self))

    def __str__(self) -> str:
        return (
            f"{self.files} files, {self.folders} folders, {self.renderings} renderings, {self.answers} answers removed"
        )


async def clean(database: Database, settings: Settings, *, now: datetime) -> Cleaned:
    """Remove a batch of each kind."""
    answers = await database.transact(lambda session: idempotency.forget_old(session, now=now, limit=_BATCH))
    expired = await database.transact(
        lambda session: renderings.forget_expired(session, before=now - _MARGIN, limit=_BATCH)
    )
    files = await _clean_shelf(database, settings, now)
    longest = max(_MARGIN, timedelta(seconds=2 * settings.render_seconds))
    folders = 0
    for parent, prefix in ((settings.artifacts_dir, "render-"), (settings.data_dir / "previews", "tmp")):
        folders += await asyncio.to_thread(remove_left_over_folders, parent, prefix, before=now - longest)
    return Cleaned(files, folders, expired, answers)


async def _clean_shelf(database: Database, settings: Settings, now: datetime) -> int:
    """Remove files that no rendering or artifact needs any more, from the shelf whose turn it is."""
    shelf = SHELVES[int(now.timestamp() // EVERY_SECONDS) % len(SHELVES)]
    store = ArtifactStore(settings.artifacts_dir)
    # Each use of a file makes it young again, so what is old now was last used by renderings that are older still.
    before = now - timedelta(days=settings.artifact_days) - _MARGIN
    removed = await asyncio.to_thread(store.remove_broken_off, shelf, before=now - _MARGIN)
    old = await asyncio.to_thread(store.old_files, shelf, before=before, limit=_BATCH)
    if not old:
        return removed
    async with database.session() as session:
        wanted = await renderings.unexpired_files(session, old, now=now)
        # There are some only where MAILROOM_ARTIFACT_DAYS was longer when they were made.
        for result in await renderings.unexpired_results(session, made_before=before, now=now):
            wanted |= set(_bodies(result))
    unwanted = [digest for digest in old if digest not in wanted]
    return removed + await asyncio.to_thread(_remove, store, unwanted, before)


def _bodies(result: dict[str, Any]) -> Iterable[str]:
    """Return the digests of the mail's body and pictures that a rendering's result names."""
    named = (result.get("mail_html"), result.get("mail_text"), *(result.get("mail_images") or {}).values())
    return [digest for digest in named if digest]


def _remove(store: ArtifactStore, digests: Sequence[str], before: datetime) -> int:
    return sum(store.remove(digest, before=before) for digest in digests)
