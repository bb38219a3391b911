"""Find hosts whose clocks are wrong, and hosts that have another folder of rendered files: one trouble for each host.

A host is judged by what living processes and recent runs have seen of it. One that nobody sees at the moment, as while
its process is started again, stays as it is; after a day it is forgotten.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.heartbeats import repository as heartbeats
from mailroom.incidents.finders.parts.hysteresis import still_open
from mailroom.incidents.spec import IncidentKind, Severity, Trouble
from mailroom.settings import Settings
from mailroom.storage.hosts import marker
from mailroom.storage.hosts.clock import AGREES_WITHIN, ALLOWED
from mailroom.storage.hosts.marker import Shared
from mailroom.watching.signs.hosts import HostSign, of_hosts

KINDS = frozenset({IncidentKind.CLOCK_WRONG, IncidentKind.ARTIFACTS_WRONG})
_FORGOTTEN_AFTER = timedelta(days=1)


async def find(session: AsyncSession, settings: Settings, *, now: datetime) -> list[Trouble]:
    """Return the troubles of hosts."""
    signs = of_hosts(await heartbeats.every(session), now)
    kept = await marker.kept(session)
    clocks = await still_open(session, IncidentKind.CLOCK_WRONG)
    folders = await still_open(session, IncidentKind.ARTIFACTS_WRONG)
    return [
        *_unseen([*clocks.values(), *folders.values()], signs, now),
        *(trouble for sign in signs if (trouble := _of_clock(sign, clocks, now))),
        *(trouble for sign in signs if (trouble := _of_folder(sign, kept, now))),
    ]


def _unseen(before: Sequence[Trouble], signs: Sequence[HostSign], now: datetime) -> list[Trouble]:
    seen, since = {sign.host for sign in signs}, now - _FORGOTTEN_AFTER
    return [one for one in before if one.subject not in seen and datetime.fromisoformat(one.values["seen_at"]) > since]


def _of_clock(sign: HostSign, before: Mapping[str, Trouble], now: datetime) -> Trouble | None:
    off = abs(sign.ahead)
    if off <= (AGREES_WITHIN / 2 if sign.host in before else AGREES_WITHIN):
        return None
    severity = Severity.ERROR if off > ALLOWED else Severity.WARNING
    values = {**_seen(sign, now), "ahead_seconds": round(sign.ahead)}
    return Trouble(IncidentKind.CLOCK_WRONG, sign.host, severity, values)


def _of_folder(sign: HostSign, kept: str | None, now: datetime) -> Trouble | None:
    shared = marker.judge_all(kept, sign.marks)
    if shared in (Shared.YES, Shared.UNMARKED):
        return None
    values = {**_seen(sign, now), "found": str(shared)}
    return Trouble(IncidentKind.ARTIFACTS_WRONG, sign.host, Severity.CRITICAL, values)


def _seen(sign: HostSign, now: datetime) -> dict[str, str]:
    # The hour is enough to forget by, and is not written at each look.
    return {"host": sign.host, "seen_at": now.replace(minute=0, second=0, microsecond=0).isoformat()}
