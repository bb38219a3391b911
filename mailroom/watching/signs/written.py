"""Turn what a process sees into signs that are written beside its signs of life, and read those of all processes."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.audit.sealing import standing
from mailroom.heartbeats.decide import living
from mailroom.heartbeats.spec import WORKERS, Beat
from mailroom.settings import Settings
from mailroom.storage.artifacts import free_mb
from mailroom.watching.signs.hosts import HOST
from mailroom.watching.signs.prefect import PrefectSigns
from prefect_mailroom.errors import ConfigurationError

PREFECT, DISK, TRAIL = "sign: Prefect", "sign: disk", "sign: audit trail"
SIGNS = frozenset({PREFECT, DISK, TRAIL, HOST})
"""The names under which they are written; no loop is called so."""


@dataclass(frozen=True, slots=True)
class SeenOfPrefect:
    """Hold what the living processes know of Prefect together.

    Attributes:
        signs: the newest answer; where nobody has one, the newest failure.
        heard_at: when Prefect last told anybody everything; None where it has told nobody that lives.
        asked_since: since when somebody has asked it.
        steady_since: since when it has answered whoever heard it last without a miss; None where that is not known.
        watched_since: since when a process asks it that asks again and again; None where only the upkeep has asked,
            which does so once a minute, so that nobody can tell whether it is silent in between.
    """

    signs: PrefectSigns
    heard_at: datetime | None
    asked_since: datetime
    steady_since: datetime | None
    watched_since: datetime | None


def of_prefect(signs: PrefectSigns, before: Beat | None, *, process: str, began_at: datetime, now: datetime) -> Beat:
    """Return the sign of an answer of Prefect, or of its silence, after the sign `before`. Pure.

    `last_success` is when it last told this process everything; where it never has, `answered` in the detail is false.
    """
    known = before.detail if before else {}
    detail = {"signs": signs.model_dump(mode="json"), "answered": signs.knows or known.get("answered", False)}
    if signs.knows:
        was_steady = bool(known.get("steady_since"))
        detail["steady_since"] = known["steady_since"] if was_steady else now.isoformat()
        return Beat(PREFECT, process, began_at, now, 0, detail)
    return Beat(PREFECT, process, began_at, before.last_success if before else began_at, 0, detail)


def read_prefect(beats: Sequence[Beat], now: datetime) -> SeenOfPrefect | None:
    """Return what the living processes know of Prefect; None where none of them has asked. Pure."""
    found = of_living(beats, PREFECT, now)
    if not found:
        return None
    newest = max(found, key=lambda beat: beat.last_success)
    answered = [beat for beat in found if beat.detail["answered"]]
    if answered:
        newest = max(answered, key=lambda beat: beat.last_success)
    # The upkeep asks once a minute, so it can miss a silence in between: it only counts where nobody else asks.
    asking = [beat for beat in answered if beat.process != WORKERS] or answered
    steady = max(asking, key=lambda beat: beat.last_success).steady_since if asking else None
    return SeenOfPrefect(
        PrefectSigns.model_validate(newest.detail["signs"]),
        newest.last_success if answered else None,
        min(beat.began_at for beat in found),
        steady,
        min((beat.began_at for beat in found if beat.process != WORKERS), default=None),
    )


async def of_disk(settings: Settings, *, process: str, began_at: datetime, now: datetime) -> Beat | None:
    """Return the sign of the room that is left in the data folder; None where it cannot be read."""
    try:
        free = await asyncio.to_thread(free_mb, settings.data_dir)
    except OSError:
        return None
    detail = {"host": socket.gethostname(), "free_mb": free}
    return Beat(DISK, process, began_at, now, settings.heartbeat_silent_seconds, detail)


async def of_trail(
    session: AsyncSession, settings: Settings, *, process: str, began_at: datetime, now: datetime
) -> Beat | None:
    """Return the sign of whether the audit trail fits its last checkpoint; None where this machine has none."""
    try:
        signed, wrong = await standing.last_checkpoint(settings)
    except (OSError, ValueError, ConfigurationError):
        return None  # The loop that seals the trail fails as well, and tells of it.
    if signed is None:
        return None
    found = (await standing.look(session, signed, [], wrong=wrong)).wrong
    detail = {"wrong": [one.code for one in found], "message": found[0].message if found else ""}
    return Beat(TRAIL, process, began_at, now, settings.heartbeat_silent_seconds, detail)


def of_living(beats: Iterable[Beat], name: str, now: datetime) -> list[Beat]:
    """Return the signs of this name that processes have written which live. Pure."""
    every = list(beats)
    alive = living(every, now)
    return [beat for beat in every if beat.name == name and beat.process in alive]
