"""Read what the page Monitoring shows. Each part is read by itself, so that one that cannot be read hides no other."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from api.actions.caller import Caller
from mailroom.access.permissions import Action
from mailroom.heartbeats import repository as heartbeats
from mailroom.heartbeats.spec import Beat
from mailroom.incidents import repository as incidents
from mailroom.storage.database import new_id
from mailroom.watching.checks.database import LOST
from mailroom.watching.levels.read import levels
from mailroom.watching.levels.spec import Levels, Period
from mailroom.watching.series import read as drawn
from mailroom.watching.series.spec import DayLoad, Queue, Series

_LOG = logging.getLogger(__name__)
Read = TypeVar("Read")


@dataclass(frozen=True, slots=True)
class Unread:
    """A part that could not be read; the log has the reason under `error_id`."""

    error_id: str


@dataclass(frozen=True, slots=True)
class House:
    """The state of the installation. `next_due` is when the next run is due; None where none is planned."""

    levels: Levels | Unread
    series: Series | Unread
    queue: Queue | Unread
    load: DayLoad | Unread
    beats: list[Beat] | Unread
    open_incidents: int | Unread
    next_due: datetime | Unread | None


async def house(caller: Caller, period: Period, zone: ZoneInfo) -> House:
    """Return how the whole installation is and was in a period that ends now.

    Raises:
        Forbidden: the caller does not see everything.
    """
    caller.viewer.require(Action.METRICS_READ)
    now = caller.context.now
    today = now.astimezone(zone).date()
    return House(
        levels=await _part(caller, lambda session: levels(session, period, now=now)),
        series=await _part(caller, lambda session: drawn.series(session, period.length, zone, now=now)),
        queue=await _part(caller, lambda session: drawn.queue(session, now=now)),
        load=await _part(caller, lambda session: drawn.load_of_day(session, today, zone)),
        beats=await _part(caller, heartbeats.every),
        open_incidents=await _part(caller, lambda session: incidents.count_open(session, viewer=caller.viewer)),
        next_due=await _part(caller, drawn.next_due),
    )


async def _part(caller: Caller, read: Callable[[AsyncSession], Awaitable[Read]]) -> Read | Unread:
    """Read a part in a transaction of its own: one that failed takes no other with it."""
    try:
        async with caller.session() as session:
            return await read(session)
    except LOST:
        error_id = new_id()
        _LOG.exception("A part of the page Monitoring could not be read (error %s).", error_id)
        return Unread(error_id)
