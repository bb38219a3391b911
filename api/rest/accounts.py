"""Accounts: that every due time is in the ledger, and backfill of those that have passed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Body, Query, Response
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from api.http.bodies import examples
from api.http.idempotency import Answer, OnceDep
from api.http.json_body import JsonRoute
from api.http.problems import documented
from api.services import CallerDep, Id, ServicesDep
from mailroom.errors import Invalid
from mailroom.ledger.figures import figures
from mailroom.schedules.backfill import Backfill, backfill
from mailroom.schedules.watchdog import GRACE
from mailroom.states import ExecutionState

router = APIRouter(tags=["accounts"], route_class=JsonRoute)
_LONGEST = timedelta(days=31)


class _View(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class MissingView(_View):
    """A due time that is not in the ledger."""

    schedule_id: str
    schedule_name: str
    due_at: datetime


class StatsView(_View):
    """What was due after `since` and up to `until`, and what became of it; `due` = `accounted` + `unaccounted`."""

    since: datetime
    until: datetime
    due: int
    accounted: int
    unaccounted: int = Field(description="Due times that are not in the ledger; the watchdog keeps this at 0.")
    by_state: dict[ExecutionState, int]
    missing: list[MissingView] = Field(description="The first 20 of those unaccounted for.")


class LeftOutView(_View):
    """A due time of the range that is not backfilled."""

    due_at: datetime
    reason: str


class BackfillView(_View):
    """The due times of a backfill in order, their executions (none after a dry run), and what was left out."""

    due: list[datetime]
    executions: list[str]
    left_out: list[LeftOutView]
    links: dict[str, str] = Field(default_factory=dict)


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


@router.post(
    "/schedules/{schedule_id}/backfill",
    status_code=202,
    response_model=BackfillView,
    responses=documented(400, 404, 409, 422),
)
async def make_good(
    schedule_id: Id,
    context: CallerDep,
    services: ServicesDep,
    once: OnceDep,
    body: Annotated[
        Backfill,
        Body(
            openapi_examples=examples(
                look_first={"from": "2026-11-01", "until": "2026-11-07", "dry_run": True},
                a_week={"from": "2026-11-01", "until": "2026-11-07"},
            )
        ),
    ],
) -> Response:
    """Run past due times in order, one after the other; the history shows them with the kind `backfill`."""

    async def work(session: AsyncSession) -> Answer:
        plan = await backfill(session, schedule_id, body, context)
        view = BackfillView.model_validate(plan)
        view.links = {"history": f"/api/v1/schedules/{schedule_id}/history?kind=backfill"}
        return Answer(202, view)

    async def settle(answer: Answer) -> Answer:
        if answer.body.executions:
            await services.reconciler.settle_schedule(schedule_id)
        return answer

    return await once.perform(work, settle)
