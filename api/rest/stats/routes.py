"""Whether everything that was due in a period is in the ledger."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AfterValidator, AwareDatetime

from api.actions.stats.views import StatsView
from api.http.dependencies import CallerDep, ServicesDep
from api.http.json_body import JsonRoute
from api.http.problems import documented
from mailroom.errors import Invalid
from mailroom.ledger.figures import figures
from mailroom.schedules.watchdog import GRACE

router = APIRouter(tags=["accounts"], route_class=JsonRoute)
_LONGEST = timedelta(days=31)


def _in_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("lies beyond the calendar") from error


_Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]


@router.get("/stats", responses=documented(422))
async def stats(
    context: CallerDep,
    services: ServicesDep,
    since: Annotated[_Moment | None, Query(description="Default: a day before `until`.")] = None,
    until: Annotated[
        _Moment | None, Query(description="Default: 2 minutes ago; younger ones may still be begun.")
    ] = None,
) -> StatsView:
    """Whether everything that was due is accounted for, worked out anew from the schedules; at most 31 days."""
    last = min(until or context.now - GRACE, context.now)
    try:
        first = since or last - timedelta(days=1)
        long = last - first > _LONGEST
    except OverflowError as error:
        raise Invalid.at("until", "lies beyond the calendar.", "Give a year such as 2026.") from error
    if first > last or long:
        raise Invalid.at("since", "and `until` are not a period of at most 31 days.", "Ask for a shorter period.")
    async with services.database.session() as session:
        return StatsView.model_validate(await figures(session, since=first, until=last))
