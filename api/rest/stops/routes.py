"""REST for the stop button: stop everything or a part of it, see what is stopped, and resume."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Response

from api.actions.stops import actions as stops
from api.actions.stops.views import ResumeView, StopsView, StopView
from api.http.bodies import examples
from api.http.dependencies import CallerDep
from api.http.idempotency import Answer, OnceDep
from api.http.json_body import JsonRoute
from api.http.permission import may
from api.http.problems import documented
from mailroom.access.permissions import Action
from mailroom.stops.spec import ResumeRequest, StopRequest

router = APIRouter(tags=["stops"], route_class=JsonRoute)


@router.get("/stops", openapi_extra=may(Action.STOP_LIST))
async def list_stops(caller: CallerDep) -> StopsView:
    """List what is stopped now, since when, by whom and why."""
    return await stops.standing(caller)


@router.post(
    "/stop", response_model=StopView, responses=documented(400, 404, 409, 422), openapi_extra=may(Action.STOP_SET)
)
async def stop(
    body: Annotated[
        StopRequest,
        Body(
            openapi_examples=examples(
                everything={"scope": "all", "reason": "The figures of last night are wrong."},
                one_connection={"scope": "connection", "target": "corp-smtp", "reason": "The mail server moves."},
            )
        ),
    ],
    caller: CallerDep,
    once: OnceDep,
) -> Response:
    """Stop everything from leaving, or what goes through one connection, of one report or of one schedule.

    No content leaves that had not begun to when this answers. What is due meanwhile waits, holds no slot, and goes on
    by itself after it is resumed. Stopping twice answers the stop that stands.
    """
    return await once.perform(lambda remember: stops.stop(caller, body, remember), lambda view: Answer(200, view))


@router.post(
    "/resume", response_model=ResumeView, responses=documented(400, 404, 409, 422), openapi_extra=may(Action.STOP_LIFT)
)
async def resume(
    body: Annotated[
        ResumeRequest,
        Body(
            openapi_examples=examples(
                look_first={"scope": "all"},
                resume={"scope": "all", "dry_run": False},
                after_a_restoration={"scope": "all", "dry_run": False, "what_was_due": "skip"},
            )
        ),
    ],
    caller: CallerDep,
    once: OnceDep,
) -> Response:
    """Show what would leave if a stop were lifted; with `dry_run: false`, lift it.

    What waited goes on within seconds, a few executions at a time. What has expired meanwhile is recorded as missed.
    """
    return await once.perform(lambda remember: stops.resume(caller, body, remember), lambda view: Answer(200, view))
