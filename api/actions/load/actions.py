"""Show how many schedules are due through a day."""

from __future__ import annotations

import datetime as dt

from api.actions.caller import Caller
from api.actions.load.views import BusiestMinute, LoadView
from mailroom.errors import Invalid
from mailroom.schedules.conflicts.load import BUCKET, local_day
from mailroom.schedules.conflicts.survey import load_between
from mailroom.timing.zones import zone_named
from mailroom.zone_names import known_zones

AHEAD = dt.timedelta(days=366)


async def load(caller: Caller, *, date: dt.date | None, timezone: str | None) -> LoadView:
    """Count the runs due in each quarter of an hour of a local day; by default today in the caller's time zone.

    Raises:
        Invalid: the day has passed or is more than a year ahead, or the time zone is unknown.
    """
    name = timezone or caller.context.user.timezone
    if name not in known_zones():
        raise Invalid.at("timezone", f"'{name}' is not a time zone in the IANA list.", "Use a name such as Asia/Tokyo.")
    zone = zone_named(name)
    today = caller.context.now.astimezone(zone).date()
    day = date or today
    if not today <= day <= today + AHEAD:
        remedy = "Choose today or a day within a year; GET /api/v1/schedules/executions lists what ran before."
        raise Invalid.at("date", f"{day} is not between {today} and {today + AHEAD}.", remedy, code="day_out_of_range")
    start, end = local_day(day, zone)
    async with caller.session() as session:
        found = await load_between(session, caller.viewer, start, end)
    runs, most = found.curve(start, end), found.busiest(start, end)
    return LoadView(
        date=day,
        timezone=name,
        start=start,
        bucket_minutes=BUCKET // dt.timedelta(minutes=1),
        runs=runs,
        total=sum(runs),
        busiest=most and BusiestMinute(at=most[0], local=most[0].astimezone(zone), runs=most[1]),
        crowded_above=caller.context.settings.crowded_minute_runs,
    )
