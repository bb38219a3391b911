"""List the time zones of schedules."""

from __future__ import annotations

import orjson

from api.actions.caller import Caller
from mailroom.schedules.conflicts.repository import timings
from mailroom.schedules.conflicts.survey import Timings


async def zones_in_use(caller: Caller, everybodys: Timings | None = None) -> list[str]:
    """Return the time zones of the active schedules that the caller sees, the most used ones first.

    Args:
        everybodys: the timings of all schedules, if they were read already; they serve who sees all.
    """
    found = everybodys if caller.viewer.sees_all else None
    if found is None:
        async with caller.session() as session:
            found = await timings(session, viewer=caller.viewer)
    counts: dict[str, int] = {}
    for text, number in found.items():
        zone = orjson.loads(text).get("timezone")
        if isinstance(zone, str):
            counts[zone] = counts.get(zone, 0) + number
    return sorted(counts, key=lambda zone: (-counts[zone], zone))
