"""REST for the load of a day, for charts and for choosing a quiet time."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from fastapi import APIRouter, Query

from api.actions.load.actions import load as count
from api.actions.load.views import LoadView
from api.http.dependencies import CallerDep
from api.http.json_body import JsonRoute
from api.http.permission import may
from api.http.problems import documented
from mailroom.access.permissions import Action

router = APIRouter(prefix="/schedules", tags=["schedules"], route_class=JsonRoute)


@router.get("/load", responses=documented(422), openapi_extra=may(Action.SCHEDULE_LOAD))
async def load(
    caller: CallerDep,
    date: Annotated[
        dt.date | None, Query(description="Today, or a day within the coming year. The default is today.")
    ] = None,
    timezone: Annotated[
        str | None, Query(max_length=64, description="An IANA name. The default is your own time zone.")
    ] = None,
) -> LoadView:
    """Count the runs due in each quarter of an hour of a day, over the active schedules that you see."""
    return await count(caller, date=date, timezone=timezone)
