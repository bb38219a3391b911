"""REST for executions: ask for one, list them, look at one with its deliveries."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from api.actions.executions import actions as executions
from api.actions.executions.correct import correct as correct_execution
from api.actions.executions.retry import retry as retry_execution
from api.actions.executions.views import ExecutionDetail, ExecutionView
from api.actions.moment import Moment
from api.actions.view import PageView
from api.http.bodies import examples
from api.http.dependencies import CallerDep, Cursor, Id, Limit
from api.http.idempotency import Answer, OnceDep
from api.http.json_body import JsonRoute
from api.http.permission import may
from api.http.problems import documented
from mailroom.access.permissions import Action
from mailroom.executions.history.course import Course
from mailroom.executions.history.search import ExecutionFilter
from mailroom.passes.correcting.ask import CorrectionRequest
from mailroom.states import ExecutionKind, ExecutionState

router = APIRouter(tags=["executions"], route_class=JsonRoute)

Status = Annotated[
    list[ExecutionState] | None, Query(description="Only executions in this state; repeat it for any of several.")
]
Kind = Annotated[
    list[ExecutionKind] | None, Query(description="Only executions of this kind; repeat it for any of several.")
]
From = Annotated[Moment | None, Query(description="Only executions that are due at this time or later.")]
To = Annotated[Moment | None, Query(description="Only executions that are due before this time.")]


class TestRequest(BaseModel):
    """The address that a test is sent to. The default is the caller's own address."""

    __test__ = False  # pytest: this is not a test class.
    model_config = ConfigDict(extra="forbid")

    to: str | None = Field(default=None, min_length=3, max_length=320, examples=["ada@example.com"])


def _accepted(view: ExecutionView) -> Answer:
    return Answer(202, view, {"Location": view.links["self"]})


@router.post(
    "/schedules/{schedule_id}/test",
    status_code=202,
    response_model=ExecutionView,
    responses=documented(400, 404, 422),
    openapi_extra=may(Action.SCHEDULE_TEST),
)
async def send_test(
    schedule_id: Id,
    caller: CallerDep,
    once: OnceDep,
    body: Annotated[
        TestRequest | None, Body(openapi_examples=examples(to_me={}, to_ada={"to": "ada@example.com"}))
    ] = None,
) -> Response:
    """Run a schedule now and send the result only to the caller, or only to `to`. It is marked as a test."""
    to = body.to if body else None
    return await once.perform(
        lambda remember: executions.request(caller, schedule_id, ExecutionKind.TEST, remember, test_recipient=to),
        _accepted,
    )


@router.post(
    "/schedules/{schedule_id}/run",
    status_code=202,
    response_model=ExecutionView,
    responses=documented(404, 409),
    openapi_extra=may(Action.SCHEDULE_RUN),
)
async def run(schedule_id: Id, caller: CallerDep, once: OnceDep) -> Response:
    """Run a schedule now and send the result to all its destinations."""
    return await once.perform(
        lambda remember: executions.request(caller, schedule_id, ExecutionKind.RUN_NOW, remember), _accepted
    )


@router.post(
    "/executions/{execution_id}/retry",
    status_code=202,
    response_model=ExecutionDetail,
    responses=documented(404, 409),
    openapi_extra=may(Action.EXECUTION_RETRY),
)
async def retry(execution_id: Id, caller: CallerDep, once: OnceDep) -> Response:
    """Try again to deliver what an ended execution did not deliver. Confirmed deliveries are never repeated.

    Its flow run runs again, as with Retry in Prefect's UI. While Prefect is down, the request is kept. The state
    changes when the next try begins; until then `retry_requested_at` is set.
    """
    return await once.perform(lambda remember: retry_execution(caller, execution_id, remember), _accepted)


@router.post(
    "/executions/{execution_id}/correct",
    status_code=202,
    response_model=ExecutionDetail,
    responses=documented(404, 409),
    openapi_extra=may(Action.EXECUTION_CORRECT),
)
async def correct(
    execution_id: Id,
    caller: CallerDep,
    once: OnceDep,
    body: Annotated[
        CorrectionRequest | None,
        Body(
            openapi_examples=examples(
                with_a_reason={"reason": "The figures for France were missing."}, without_a_reason={}
            )
        ),
    ] = None,
) -> Response:
    """Render a wrong report again, and send it marked as a correction to exactly those who got the wrong one.

    The correction is an execution of its own, of the kind `correction`, for the same due time: with the parameters,
    formats and destinations of that time, and with the report and its data as they are now. Whoever has unsubscribed or
    was suppressed since gets nothing. An execution is corrected once; if its correction is wrong too, correct that one:
    it then goes to all who got either.
    """
    wanted = body or CorrectionRequest()
    return await once.perform(lambda remember: correct_execution(caller, execution_id, wanted, remember), _accepted)


@router.get("/schedules/executions", responses=documented(422), openapi_extra=may(Action.EXECUTION_LIST))
async def list_executions(
    *,
    caller: CallerDep,
    cursor: Cursor = None,
    limit: Limit = 50,
    status: Status = None,
    kind: Kind = None,
    due_from: From = None,
    due_to: To = None,
    schedule_id: Annotated[str | None, Query(max_length=80)] = None,
    error_id: Annotated[str | None, Query(max_length=36, description="Only what failed with this error id.")] = None,
    channel: Annotated[str | None, Query(max_length=40, description="Only with a delivery by this channel.")] = None,
    connection: Annotated[
        str | None, Query(max_length=100, description="Only with a delivery through this connection.")
    ] = None,
    recipient: Annotated[
        str | None, Query(max_length=500, description="Only with a delivery to this address or path.")
    ] = None,
    course: Annotated[
        Course | None,
        Query(
            description="Only those that delivered everything, but ended more than five minutes after their time "
            "(`late`), or by a retry that nobody asked for after something had failed (`recovered`)."
        ),
    ] = None,
) -> PageView[ExecutionView]:
    """List the executions of all schedules, the latest due time first.

    Where deliveries or a course are asked for, a page looks through 10,000 executions. It may have fewer items than
    `limit`, or none, and go on all the same: follow `next_cursor`, or narrow the due times.
    """
    wanted = ExecutionFilter(
        states=status or (),
        kinds=kind or (),
        schedule_id=schedule_id,
        due_from=due_from,
        due_to=due_to,
        error_id=error_id,
        channel=channel,
        connection=connection,
        recipient=recipient,
        course=course,
    )
    return await executions.page(caller, wanted, cursor=cursor, limit=limit)


@router.get("/schedules/{schedule_id}/history", responses=documented(404, 422), openapi_extra=may(Action.SCHEDULE_READ))
async def history(
    schedule_id: Id,
    caller: CallerDep,
    cursor: Cursor = None,
    limit: Limit = 50,
    status: Status = None,
    kind: Kind = None,
) -> PageView[ExecutionView]:
    """List the executions of one schedule, the latest due time first."""
    return await executions.history(
        caller, schedule_id, states=status or (), kinds=kind or (), cursor=cursor, limit=limit
    )


@router.get("/executions/{execution_id}", responses=documented(404), openapi_extra=may(Action.EXECUTION_READ))
async def read(execution_id: Id, caller: CallerDep) -> ExecutionDetail:
    """Get one execution with its files, its deliveries, and their attempts and receipts."""
    return await executions.read(caller, execution_id)
