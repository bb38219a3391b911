"""Executions: ask for one, list them, look at one with its deliveries."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Body, Query, Response
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from api.actions.executions.present import execution_detail, execution_views
from api.actions.executions.views import ExecutionDetail, ExecutionView
from api.actions.view import PageView
from api.http.bodies import examples
from api.http.dependencies import CallerDep, Cursor, Id, Limit, ServicesDep
from api.http.idempotency import Answer, OnceDep
from api.http.json_body import JsonRoute
from api.http.problems import documented
from api.services import Services
from mailroom.context import Context
from mailroom.executions import repository as executions
from mailroom.schedules import repository as stored
from mailroom.schedules import service as schedules
from mailroom.states import ExecutionKind, ExecutionState

router = APIRouter(tags=["executions"], route_class=JsonRoute)

Status = Annotated[ExecutionState | None, Query(description="Only those in this state.")]
Kind = Annotated[ExecutionKind | None, Query(description="Only those of this kind.")]


def _in_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("lies beyond the calendar") from error


_Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
From = Annotated[_Moment | None, Query(description="Due at this instant or later.")]
To = Annotated[_Moment | None, Query(description="Due before this instant.")]


class TestRequest(BaseModel):
    """Where a test goes; to the caller when left out."""

    __test__ = False  # pytest: this is not a test class.
    model_config = ConfigDict(extra="forbid")

    to: str | None = Field(default=None, min_length=3, max_length=320, examples=["ada@example.com"])


@router.post(
    "/schedules/{schedule_id}/test", status_code=202, response_model=ExecutionView, responses=documented(400, 404, 422)
)
async def send_test(
    schedule_id: Id,
    context: CallerDep,
    services: ServicesDep,
    once: OnceDep,
    body: Annotated[
        TestRequest | None, Body(openapi_examples=examples(to_me={}, to_ada={"to": "ada@example.com"}))
    ] = None,
) -> Response:
    """Run it now, really, to the caller or to `to` alone; it is marked as a test everywhere."""
    to = body.to if body else None
    return await _request(schedule_id, ExecutionKind.TEST, context, services, once, to)


@router.post(
    "/schedules/{schedule_id}/run", status_code=202, response_model=ExecutionView, responses=documented(404, 409)
)
async def run(schedule_id: Id, context: CallerDep, services: ServicesDep, once: OnceDep) -> Response:
    """Run it now, to everyone."""
    return await _request(schedule_id, ExecutionKind.RUN_NOW, context, services, once, None)


async def _request(
    schedule_id: str, kind: ExecutionKind, context: Context, services: Services, once: OnceDep, to: str | None
) -> Response:
    async def work(session: AsyncSession) -> Answer:
        row = await schedules.request_execution(session, schedule_id, kind, context, test_recipient=to)
        return _answer((await execution_views(session, [row], context))[0])

    async def settle(answer: Answer) -> Answer:
        await services.reconciler.settle_execution(answer.body.id)
        async with services.database.session() as session:
            row = await executions.get(session, answer.body.id)
            return _answer((await execution_views(session, [row], context))[0])

    return await once.perform(work, settle)


def _answer(view: ExecutionView) -> Answer:
    return Answer(202, view, {"Location": view.links["self"]})


@router.get("/schedules/executions", responses=documented(422))
async def list_executions(
    *,
    context: CallerDep,
    services: ServicesDep,
    cursor: Cursor = None,
    limit: Limit = 50,
    status: Status = None,
    kind: Kind = None,
    due_from: From = None,
    due_to: To = None,
    schedule_id: Annotated[str | None, Query(max_length=80)] = None,
) -> PageView[ExecutionView]:
    """Executions of every schedule, the latest due time first."""
    async with services.database.session() as session:
        page = await executions.list_page(
            session,
            cursor=cursor,
            limit=limit,
            schedule_id=schedule_id,
            status=status,
            kind=kind,
            due_from=due_from,
            due_to=due_to,
        )
        views = await execution_views(session, page.items, context)
    return PageView(items=views, next_cursor=page.next_cursor)


@router.get("/schedules/{schedule_id}/history", responses=documented(404, 422))
async def history(
    schedule_id: Id,
    context: CallerDep,
    services: ServicesDep,
    cursor: Cursor = None,
    limit: Limit = 50,
    status: Status = None,
    kind: Kind = None,
) -> PageView[ExecutionView]:
    """Executions of one schedule, the latest due time first."""
    async with services.database.session() as session:
        await stored.get(session, schedule_id)
        page = await executions.list_page(
            session, cursor=cursor, limit=limit, schedule_id=schedule_id, status=status, kind=kind
        )
        views = await execution_views(session, page.items, context)
    return PageView(items=views, next_cursor=page.next_cursor)


@router.get("/executions/{execution_id}", responses=documented(404))
async def read(execution_id: Id, context: CallerDep, services: ServicesDep) -> ExecutionDetail:
    """One execution with its deliveries, their attempts and receipts, and its files."""
    async with services.database.session() as session:
        return await execution_detail(session, await executions.get(session, execution_id), context)
