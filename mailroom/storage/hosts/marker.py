"""Mark the store of rendered files, so that a host that looks at another folder is found.

The mark is a small file in the store; the database keeps the same text. A host whose folder has no mark, or another
one, sees other files than its neighbours: a share that is not mounted looks like an empty folder.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.storage.database import Database, new_id
from mailroom.storage.stop_tables import LedgerClock
from prefect_mailroom.durable import key_file, make_folders, replace_file

NAME = ".mailroom-store"
_MODE = 0o644


class Shared(StrEnum):
    """Say whether a host looks at the store that the database names."""

    YES = "yes"
    UNMARKED = "unmarked"
    """Nobody has marked the store yet."""
    MISSING = "missing"
    """The folder has no mark: it is another one, or its share is not mounted."""
    OTHER = "other"
    """The folder has the mark of another store."""


def read(folder: Path) -> str:
    """Return the mark of the store in this folder; empty where it has none, or cannot be read. Blocking."""
    try:
        return (folder / NAME).read_text().strip()
    except (OSError, UnicodeDecodeError):
        return ""


def judge(kept: str | None, found: str) -> Shared:
    """Compare what the database keeps with what a host has found. Pure."""
    if not kept:
        return Shared.UNMARKED
    if not found:
        return Shared.MISSING
    return Shared.YES if found == kept else Shared.OTHER


def judge_all(kept: str | None, found: Iterable[str]) -> Shared:
    """Compare what the database keeps with what the processes of a host have found; one that errs counts. Pure."""
    judged = sorted(judge(kept, one) for one in found)
    return next((one for one in judged if one not in (Shared.YES, Shared.UNMARKED)), judged[0])


async def kept(session: AsyncSession) -> str | None:
    """Return the mark that the database keeps, or None where nobody has marked the store yet."""
    return await session.scalar(select(LedgerClock.artifact_store))


async def adopt(database: Database, folder: Path, *, anew: bool = False) -> Shared:
    """Mark the store where nobody has done so, and return whether this folder is the store.

    The first host that asks decides. Hosts that ask at once in one folder read the same mark.

    Args:
        anew: whether this folder becomes the store, whatever was the store before.
    """
    async with database.session() as session:
        before = await kept(session)
    if before is not None and not anew:
        return judge(before, await asyncio.to_thread(read, folder))
    if before is not None:
        await asyncio.to_thread(_write, folder, before)
        return Shared.YES
    mark = await asyncio.to_thread(_first, folder)

    async def keep(session: AsyncSession) -> str | None:
        value = func.coalesce(LedgerClock.artifact_store, mark)
        query = update(LedgerClock).values(artifact_store=value).returning(LedgerClock.artifact_store)
        return (await session.scalars(query)).one()

    return judge(await database.transact(keep), mark)


def _first(folder: Path) -> str:
    make_folders(folder)
    return key_file(folder / NAME, new_id())


def _write(folder: Path, mark: str) -> None:
    make_folders(folder)
    replace_file(folder / NAME, f"{mark}\n".encode(), mode=_MODE)
