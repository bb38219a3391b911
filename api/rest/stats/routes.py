"""REST for the proof that everything that was due is in the ledger."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from api.actions.moment import Moment
from api.actions.stats.actions import stats as prove
from api.actions.stats.views import StatsView
from api.http.dependencies import CallerDep
from api.http.json_body import JsonRoute
from api.http.permission import may
from api.http.problems import documented
from mailroom.access.permissions import Action

router = APIRouter(tags=["accounts"], route_class=JsonRoute)


@router.get("/stats", responses=documented(422), openapi_extra=may(Action.STATS_READ))
async def stats(
    caller: CallerDep,
    since: Annotated[Moment | None, Query(description="The default is a day before `until`.")] = None,
    until: Annotated[
        Moment | None,
        Query(description=("The default is 2 minutes ago, because later due times may not have begun yet.")),
    ] = None,
) -> StatsView:
    """Check that everything that was due is in the ledger. It is calculated from the schedules; at most 31 days."""
    return await prove(caller, since=since, until=until)
