"""List the finders. A new one is a file in this folder and an entry here.

A finder returns everything of its kinds that is wrong now, not only what is new: what it leaves out counts as over. It
has a session of its own, in which it only reads. One that raises, or takes too long, resolves nothing: what it looks
for is unknown then, which is not well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.incidents.finders import failing, levels, missed, suspended, sync
from mailroom.incidents.finders.connections import finder as connections
from mailroom.incidents.finders.parts import credentials, disk, hosts, loops, prefect, queue, trail, worker
from mailroom.incidents.spec import IncidentKind, Trouble
from mailroom.settings import Settings


class Find(Protocol):
    """Look for what is wrong now."""

    async def __call__(self, session: AsyncSession, settings: Settings, *, now: datetime) -> Sequence[Trouble]:
        """Return every trouble of the finder's kinds."""
        ...


@dataclass(frozen=True, slots=True)
class Finder:
    """A finder, the name by which the log knows it, and the kinds that it alone looks for."""

    name: str
    kinds: frozenset[IncidentKind]
    find: Find


FINDERS: tuple[Finder, ...] = (
    Finder("failing schedules", failing.KINDS, failing.find),
    Finder("missed occurrences", missed.KINDS, missed.find),
    Finder("suspended schedules", suspended.KINDS, suspended.find),
    Finder("failing connections", connections.KINDS, connections.find),
    Finder("stuck synchronisation", sync.KINDS, sync.find),
    Finder("missed levels", levels.KINDS, levels.find),
    Finder("silent Prefect", prefect.KINDS, prefect.find),
    Finder("silent workers", worker.KINDS, worker.find),
    Finder("silent loops", loops.KINDS, loops.find),
    Finder("late queue", queue.KINDS, queue.find),
    Finder("full disks", disk.KINDS, disk.find),
    Finder("hosts that differ", hosts.KINDS, hosts.find),
    Finder("ending credentials", credentials.KINDS, credentials.find),
    Finder("contradicted trail", trail.KINDS, trail.find),
)
