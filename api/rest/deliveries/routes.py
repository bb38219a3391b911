"""REST for deliveries: find what went wrong, and try it again."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Query, Response

from api.actions.deliveries import actions as deliveries
from api.actions.deliveries.filters import RetryRequest
from api.actions.deliveries.views import DeliveryRow, RetryView
from api.actions.moment import Moment
from api.actions.view import PageView
from api.http.bodies import examples
from api.http.dependencies import CallerDep, Cursor, Limit
from api.http.idempotency import Answer, OnceDep
from api.http.json_body import JsonRoute
from api.http.permission import may
from api.http.problems import documented
from mailroom.access.permissions import Action
from mailroom.executions.deliveries import DeliveryFilter
from mailroom.states import DeliveryState

router = APIRouter(prefix="/deliveries", tags=["deliveries"], route_class=JsonRoute)


@router.get("", responses=documented(422), openapi_extra=may(Action.DELIVERY_LIST))
async def list_deliveries(
    *,
    caller: CallerDep,
    cursor: Cursor = None,
    limit: Limit = 50,
    state: Annotated[DeliveryState | None, Query(description="Only deliveries in this state.")] = None,
    recipient: Annotated[
        str | None, Query(max_length=500, description="Only deliveries to exactly this recipient or path.")
    ] = None,
    connection: Annotated[str | None, Query(max_length=100, description="Only through this connection.")] = None,
    schedule: Annotated[str | None, Query(max_length=80, description="Only of this schedule, by its id.")] = None,
    since: Annotated[
        Moment | None, Query(alias="from", description="Only deliveries that were planned at this time or later.")
    ] = None,
    until: Annotated[Moment | None, Query(description="Only deliveries that were planned before this time.")] = None,
) -> PageView[DeliveryRow]:
    """List deliveries of all schedules, the latest planned first. A delivery is planned when its report is rendered."""
    wanted = DeliveryFilter(
        states=(state,) if state else (),
        recipient=recipient,
        connection=connection,
        schedule_id=schedule,
        since=since,
        until=until,
    )
    return await deliveries.page(caller, wanted, cursor=cursor, limit=limit)


@router.post(
    "/retry",
    status_code=202,
    response_model=RetryView,
    responses=documented(400, 409, 422),
    openapi_extra=may(Action.DELIVERY_RETRY),
)
async def retry(
    body: Annotated[
        RetryRequest,
        Body(
            openapi_examples=examples(
                count_first={"connection": "corp-smtp", "from": "2026-11-23T08:00:00Z", "dry_run": True},
                all_that_were_refused={"state": "refused", "recipient": "ada@example.com"},
            )
        ),
    ],
    caller: CallerDep,
    once: OnceDep,
) -> Response:
    """Try again to deliver what matches and is undelivered. Confirmed deliveries are never repeated.

    Each execution is asked for once, and then makes every delivery that it lacks. Those whose files have expired, or
    whose schedule is paused, are left out and named. One request reaches 200 executions; `next_cursor` goes on.
    """
    return await once.perform(lambda remember: deliveries.retry(caller, body, remember), lambda view: Answer(202, view))
