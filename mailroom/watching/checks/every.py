"""Look at every part at once: what is stored is read in one session, and Prefect has one short moment."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from mailroom.access.viewer import SYSTEM
from mailroom.heartbeats import repository as heartbeats
from mailroom.heartbeats.spec import Beat
from mailroom.settings import Settings
from mailroom.stops import repository as stops
from mailroom.storage.database import Database
from mailroom.storage.hosts import marker
from mailroom.storage.stop_tables import Stop
from mailroom.watching.checks import background, database, disk, mail, prefect, queue, scheduler, sending, worker
from mailroom.watching.checks import repository as stored
from mailroom.watching.checks.mail import MailConnection
from mailroom.watching.checks.several import hosts
from mailroom.watching.checks.spec import Check, CheckName, State
from mailroom.watching.signs.prefect import SECONDS, PrefectSigns, Probe
from mailroom.watching.signs.written import read_prefect

_FROM_TABLES = (CheckName.QUEUE, CheckName.MAIL, CheckName.SENDING, CheckName.BACKGROUND)
_OF_HOSTS = (CheckName.HOST_CLOCKS, CheckName.ARTIFACTS)


@dataclass(frozen=True, slots=True)
class Stored:
    """Hold what the tables say of the parts."""

    oldest_due: datetime | None
    mail: Sequence[MailConnection]
    stops: Sequence[Stop]
    beats: Sequence[Beat]
    mark: str | None


async def look(
    tables: Database | None, settings: Settings, probe: Probe, *, now: datetime, seconds: float = SECONDS
) -> dict[CheckName, Check]:
    """Return the check of each part, in the order of their names.

    Args:
        tables: None where nobody has made a database yet.
        seconds: how long Prefect may take.
    """
    reached, signs, rows, room, here = await asyncio.gather(
        database.look(tables),
        probe.ask(seconds),
        _read(tables, now),
        disk.look(settings),
        hosts.look(tables, settings),
    )
    found = [reached, *_of_prefect(signs, rows, settings, now), *_of_tables(signs, rows, settings, now), room]
    return {one.name: one for one in [*found, *_of_hosts(rows, here, now)]}


async def _read(tables: Database | None, now: datetime) -> Stored | None:
    if tables is None:
        return None
    try:
        async with asyncio.timeout(database.SECONDS), tables.session() as session:
            return Stored(
                await stored.oldest_due(session, now=now),
                await stored.mail_connections(session),
                await stops.list_standing(session, viewer=SYSTEM),
                await heartbeats.every(session),
                await marker.kept(session),
            )
    except database.LOST:
        return None  # The check of the database tells of it.


def _of_prefect(signs: PrefectSigns, rows: Stored | None, settings: Settings, now: datetime) -> list[Check]:
    seen = read_prefect(rows.beats, now) if rows else None
    heard_at = seen.heard_at if seen else None
    return [
        prefect.answering(signs, prefect.installed(), heard_at),
        prefect.clock(signs),
        scheduler.judge(signs, now),
        worker.judge(signs, settings, now),
    ]


def _of_tables(signs: PrefectSigns, rows: Stored | None, settings: Settings, now: datetime) -> list[Check]:
    if rows is None:
        message = "Not checked, because the database cannot be read."
        return [Check(name, State.UNKNOWN, message) for name in _FROM_TABLES]
    return [
        queue.judge(rows.oldest_due, signs.oldest_waiting, settings, now),
        mail.judge(rows.mail),
        sending.judge(rows.stops),
        background.judge(rows.beats, now),
    ]


def _of_hosts(rows: Stored | None, here: hosts.Here, now: datetime) -> list[Check]:
    if rows is None:
        message = "Not checked, because the database cannot be read."
        return [Check(name, State.UNKNOWN, message) for name in _OF_HOSTS]
    signs = hosts.signs_of(rows.beats, here, now)
    return [hosts.clocks(signs), hosts.artifacts(signs, rows.mark)]
