"""Write what a process sees of its own host: how far its clock is off, and which store of files its folder is.

API processes write it with their signs of life. A worker writes none, so its runs do, once a minute in each process.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from mailroom.heartbeats import repository as heartbeats
from mailroom.heartbeats.decide import living
from mailroom.heartbeats.spec import WORKERS, Beat
from mailroom.settings import Settings
from mailroom.storage.database import Database
from mailroom.storage.hosts import marker
from mailroom.storage.hosts.clock import machine_seconds

HOST = "sign: host"
RUNS = "runs"
"""The role under which the runs on a host write what they see of it."""
_EVERY = 60.0
_OF_RUNS_FOR = 900.0
"""For how many seconds the sign of a run counts: a worker may have nothing to do for a while."""
_LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class HostSign:
    """Hold what is known of a host: by how many seconds its clock is ahead of the database's, and its store's marks.

    There is one mark, unless processes of the host look at different folders.
    """

    host: str
    ahead: float
    marks: frozenset[str]


def host_name() -> str:
    """Return the name of this host; `MAILROOM_HOST_NAME` gives it where several are one machine, as in containers."""
    return (os.environ.get("MAILROOM_HOST_NAME") or socket.gethostname())[:_LONGEST_NAME]


async def of_host(
    database: Database, settings: Settings, *, process: str, began_at: datetime, now: datetime, lasts: float
) -> Beat:
    """Return the sign of this host."""
    mark = await asyncio.to_thread(marker.read, settings.artifacts_dir)
    detail = {"host": host_name(), "ahead": round(database.clock.ahead or 0.0, 3), "mark": mark}
    return Beat(HOST, process, began_at, now, lasts, detail)


def of_hosts(beats: Iterable[Beat], now: datetime) -> list[HostSign]:
    """Return what living processes and recent runs have seen, one sign a host: the newest clock, all marks. Pure."""
    every = list(beats)
    alive = living(every, now)
    of: dict[str, list[Beat]] = defaultdict(list)
    for beat in sorted(every, key=lambda one: one.last_success):
        if beat.name == HOST and _counts(beat, alive, now):
            of[beat.detail["host"]].append(beat)
    return [
        HostSign(host, seen[-1].detail["ahead"], frozenset(beat.detail["mark"] for beat in seen))
        for host, seen in sorted(of.items())
    ]


def _counts(beat: Beat, alive: set[str], now: datetime) -> bool:
    if beat.role == RUNS or beat.process == WORKERS:
        return not beat.is_late(now)
    return beat.process in alive


class HostNotes:
    """Writes the sign of the host that this process runs on, from its runs, once a minute at most."""

    def __init__(self) -> None:
        self._noted_at: float | None = None

    async def note(self, database: Database, settings: Settings) -> None:
        """Write the sign where it is due; an embedded system has one host. The next run tries what fails again."""
        if settings.mode != "production":
            return
        if self._noted_at is not None and machine_seconds() - self._noted_at < _EVERY:
            return
        self._noted_at, now = machine_seconds(), database.now()
        process = f"{RUNS} {host_name()}"
        sign = await of_host(database, settings, process=process, began_at=now, now=now, lasts=_OF_RUNS_FOR)
        await database.transact(lambda session: heartbeats.write(session, [sign]))
