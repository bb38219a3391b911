"""Write when the credentials of connections end, where they say so themselves, as the SAS token of a container does.

They are in Prefect's blocks, so they are read once an hour; what is written is only when each ends.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access.viewer import SYSTEM
from mailroom.connections import repository as connections
from mailroom.connections.kinds import block_type, is_channel
from mailroom.connections.service import load_known
from mailroom.errors import Unavailable
from mailroom.heartbeats import repository as heartbeats
from mailroom.heartbeats.spec import Beat
from mailroom.settings import Settings
from mailroom.storage.database import Database
from mailroom.storage.tables import Connection
from prefect_mailroom.channels.base import Channel
from prefect_mailroom.errors import MailroomError

SIGN = "sign: ends"
_PROCESS = "connections"
"""One sign stands for all connections, whichever process has written it."""
_LASTS = 86400.0


async def note(database: Database, settings: Settings, *, now: datetime) -> None:
    """Read when the credentials end of each connection that may say so, and write it down.

    Where Prefect does not answer, what was known of a connection that has not changed stays.
    """
    async with database.session() as session:
        rows = [row for row in await connections.every(session, viewer=SYSTEM) if row.is_made and _may_end(row.kind)]
        before = await _noted(session)
    if not rows and not before:
        return
    found: dict[str, tuple[str, str]] = {}
    is_silent = False
    for row in rows:
        version = row.updated_at.isoformat()
        kept = before.get(row.name)
        try:
            ends = None if is_silent else await _end_of(row, settings)
        except Unavailable:
            is_silent, ends = True, None
        if ends is not None:
            found[row.name] = (version, ends.isoformat())
        elif is_silent and kept is not None and kept[0] == version:
            found[row.name] = kept
    sign = Beat(SIGN, _PROCESS, now, now, _LASTS, {"ends": found})
    await database.transact(lambda session: heartbeats.write(session, [sign]))


async def ends(session: AsyncSession) -> list[tuple[str, datetime]]:
    """Return the connections whose credentials end, with the moment. One that was changed since is left out."""
    noted = await _noted(session)
    rows = await connections.named(session, list(noted), viewer=SYSTEM) if noted else {}
    return [
        (name, datetime.fromisoformat(end))
        for name, (version, end) in noted.items()
        if name in rows and rows[name].updated_at.isoformat() == version
    ]


async def _noted(session: AsyncSession) -> dict[str, tuple[str, str]]:
    sign = await heartbeats.one(session, SIGN, _PROCESS)
    return {name: (version, ends) for name, (version, ends) in sign.detail["ends"].items()} if sign else {}


async def _end_of(row: Connection, settings: Settings) -> datetime | None:
    """Return when the credentials of a connection end; None where they do not say, or nobody can read them.

    Raises:
        Unavailable: Prefect does not answer.
    """
    try:
        block = await load_known(row, settings, kind=row.kind)
    except Unavailable:
        raise
    except MailroomError:
        return None  # What is wrong with it, its check and its deliveries tell.
    assert isinstance(block, Channel)
    return block.credentials_end()


def _may_end(kind: str) -> bool:
    """Tell whether connections of a kind may know the end of their credentials."""
    if not is_channel(kind):
        return False
    found = block_type(kind)
    assert issubclass(found, Channel)
    return found.credentials_end is not Channel.credentials_end
