"""How many schedules are due through a day, for charts and for choosing a quiet time."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from fastapi import APIRouter, Query
from sqlalchemy.ext.asyncio import AsyncSession

from api.actions.load.views import BusiestMinute, LoadView
from api.http.dependencies import CallerDep, ServicesDep
from api.http.json_body import JsonRoute
from api.http.problems import documented
from mailroom.errors import Invalid
from mailroom.schedules.conflicts.load import BUCKET, local_day
from mailroom.schedules.conflicts.survey import load_between
from mailroom.timing.model import known_zones
from mailroom.timing.zones import zone_named

router = APIRouter(prefix="/schedules", tags=["schedules"], route_class=JsonRoute)
AHEAD = dt.timedelta(days=366)


@router.get("/load", responses=documented(422))
async def load(
    context: CallerDep,
    services: ServicesDep,
    date: Annotated[dt.date | None, Query(description="Today or a day within a year; today without it.")] = None,
    timezone: Annotated[str | None, Query(max_length=64, description="IANA name; yours without it.")] = None,
) -> LoadView:
    """Runs due in each quarter of an hour of a day, over the active schedules of everybody, by number only."""
    name = timezone or context.user.timezone
    today = _today(context.now, name)
    day = date or today
    if not today <= day <= today + AHEAD:
        remedy = "Choose today or a day within a year; GET /api/v1/schedules/executions lists what ran before."
        raise Invalid.at("date", f"{day} is not between {today} and {today + AHEAD}.", remedy)
    start, end = local_day(day, zone_named(name))
    async with services.database.session() as session:
        return await _view(session, day, name, start, end, context.settings.crowded_minute_runs)


def _today(now: dt.datetime, name: str) -> dt.date:
    if name not in known_zones():
        raise Invalid.at("timezone", f"'{name}' is not a time zone of the IANA list.", "Use a name such as Asia/Tokyo.")
    return now.astimezone(zone_named(name)).date()


async def _view(
    session: AsyncSession, day: dt.date, name: str, start: dt.datetime, end: dt.datetime, limit: int
) -> LoadView:
    found = await load_between(session, start, end)
    runs, most = found.curve(start, end), found.busiest(start, end)
    return LoadView(
        date=day,
        timezone=name,
        start=start,
        bucket_minutes=BUCKET // dt.timedelta(minutes=1),
        runs=runs,
        total=sum(runs),
        busiest=most and BusiestMinute(at=most[0], local=most[0].astimezone(zone_named(name)), runs=most[1]),
        crowded_above=limit,
    )
