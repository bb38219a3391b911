"""Backfill of past due times."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Response
from sqlalchemy.ext.asyncio import AsyncSession

from api.actions.backfill.views import BackfillView
from api.http.bodies import examples
from api.http.dependencies import CallerDep, Id, ServicesDep
from api.http.idempotency import Answer, OnceDep
from api.http.json_body import JsonRoute
from api.http.problems import documented
from mailroom.schedules.backfill import Backfill, backfill

router = APIRouter(tags=["accounts"], route_class=JsonRoute)


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
