"""Show how many runs are due on the day and in the minute of a run, and which minute near it is quieter."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from api.actions.caller import Caller
from mailroom.access.viewer import SYSTEM
from mailroom.schedules.conflicts.load import BUCKET, Load, local_day
from mailroom.schedules.conflicts.survey import Timings, everybodys, load_between
from mailroom.timing.zones import zone_named

_WITHIN = 30
_MINUTE = dt.timedelta(minutes=1)
_MANY = 5
"""Runs in the same minute from which on a quieter one is proposed, if it has at most half of them."""


@dataclass(frozen=True, slots=True)
class Around:
    """The day of a run: how many others are due in each quarter of an hour, and in its own minute.

    Attributes:
        own: the place of the run's own quarter of an hour.
        quieter: a minute near it in which fewer are due, if it would help, and `quieter_runs` how many.
    """

    start: dt.datetime
    runs: list[int]
    own: int
    at: dt.datetime
    others: int
    quieter: dt.datetime | None = None
    quieter_runs: int = 0


async def around(caller: Caller, at: dt.datetime, timezone: str, others: Timings) -> Around:
    """Return the load of the local day of a run.

    A minute is crowded by everybody's runs, so all are counted; of others' schedules nothing is told but how many run.

    Args:
        others: the timings of all schedules but the one that the run is of.
    """
    zone = zone_named(timezone)
    start, end = local_day(at.astimezone(zone).date(), zone)
    margin = dt.timedelta(minutes=_WITHIN)
    async with caller.session() as session:
        found = await load_between(session, SYSTEM, start - margin, end + margin, timings=others)
    quieter = _quieter(found, at)
    return Around(
        start=start,
        runs=found.curve(start, end),
        own=(at - start) // BUCKET,
        at=at,
        others=found.at(at),
        quieter=quieter,
        quieter_runs=found.at(quieter) if quieter else 0,
    )


async def others_of(caller: Caller, schedule_id: str | None) -> Timings:
    """Return the timings of all active schedules but this one, which several parts of a page are made from."""
    async with caller.session() as session:
        return await everybodys(session, besides=schedule_id)


def _quieter(found: Load, at: dt.datetime) -> dt.datetime | None:
    """Return the nearest of the quietest minutes around a run, later before earlier, if it has half as many. Pure."""
    others = found.at(at)
    if others < _MANY:
        return None
    offsets = sorted(range(-_WITHIN, _WITHIN + 1), key=lambda minutes: (abs(minutes), -minutes))
    best = min((at + offset * _MINUTE for offset in offsets), key=found.at)
    return best if found.at(best) * 2 <= others else None
