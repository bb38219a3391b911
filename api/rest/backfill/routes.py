"""REST for backfill: run past due times."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Response

from api.actions.backfill.actions import backfill
from api.actions.backfill.views import BackfillView
from api.http.bodies import examples
from api.http.dependencies import CallerDep, Id
from api.http.idempotency import Answer, OnceDep
from api.http.json_body import JsonRoute
from api.http.permission import may
from api.http.problems import documented
from mailroom.access.permissions import Action
from mailroom.schedules.backfill import Backfill

router = APIRouter(tags=["accounts"], route_class=JsonRoute)


@router.post(
    "/schedules/{schedule_id}/backfill",
    status_code=202,
    response_model=BackfillView,
    responses=documented(400, 404, 409, 422),
    openapi_extra=may(Action.SCHEDULE_BACKFILL),
)
async def make_good(
    schedule_id: Id,
    caller: CallerDep,
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
    """Run past due times in order, one after the other. The history shows them with the kind `backfill`."""
    return await once.perform(
        lambda remember: backfill(caller, schedule_id, body, remember), lambda view: Answer(202, view)
    )
