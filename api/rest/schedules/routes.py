"""Schedules: create, read, change, delete, pause, resume, preview, and ask for an execution."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from api.actions.schedules.present import schedule_detail, schedule_view, schedule_views, warning_views
from api.actions.schedules.views import DueTimeView, PreviewView, ScheduleView
from api.actions.view import PageView
from api.http.bodies import PATCHES, SCHEDULES, DocumentedAs, examples
from api.http.dependencies import CallerDep, Cursor, Id, IfMatch, Limit, ServicesDep
from api.http.idempotency import Answer, OnceDep
from api.http.json_body import JsonRoute
from api.http.problems import documented
from api.http.reading import read as read_as
from api.services import Services
from mailroom.calendars.service import business_calendar
from mailroom.context import Context
from mailroom.errors import Invalid
from mailroom.executions.policy import Policy
from mailroom.reports.spec import Format, Slug
from mailroom.schedules import repository as stored
from mailroom.schedules import service as schedules
from mailroom.schedules.conflicts.survey import Draft, survey
from mailroom.schedules.forecast import forecast, jitter_faults, timing_faults
from mailroom.schedules.spec import ScheduleSpec, read_spec, read_targets
from mailroom.states import ScheduleState
from mailroom.timing import Timing

router = APIRouter(prefix="/schedules", tags=["schedules"], route_class=JsonRoute)

SpecBody = Annotated[dict[str, Any], DocumentedAs(ScheduleSpec), Body(openapi_examples=SCHEDULES)]
PatchBody = Annotated[
    dict[str, Any], Body(openapi_examples=PATCHES, media_type="application/merge-patch+json", description="RFC 7396")
]
Sort = Literal["created_at", "-created_at", "updated_at", "-updated_at", "name", "-name"]


class PreviewRequest(BaseModel):
    """A timing to look at; nothing is stored. As much of the schedule as is known is looked at for conflicts."""

    model_config = ConfigDict(extra="forbid")

    timing: Timing
    count: int = Field(default=10, ge=1, le=50)
    schedule_id: str | None = Field(default=None, max_length=80, description="The schedule that is being changed.")
    name: str = Field(default="", max_length=200)
    report_id: Slug | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)
    formats: list[Format] = Field(default_factory=list, max_length=7)
    destinations: list[dict[str, Any]] = Field(default_factory=list, max_length=50)
    policy: Policy = Policy()

    def draft(self) -> Draft:
        """It as the conflict check takes it.

        Raises:
            Invalid: naming what is wrong with the destinations.
        """
        return Draft(
            timing=self.timing,
            name=self.name,
            report_id=self.report_id,
            parameters=self.parameters,
            formats=self.formats,
            targets=read_targets(self.destinations),
            overlap=self.policy.overlap,
            schedule_id=self.schedule_id,
        )


def _zoned(body: dict[str, Any], context: Context) -> dict[str, Any]:
    """The body with the user's zone where the timing names none."""
    timing = body.get("timing")
    if not isinstance(timing, dict) or "timezone" in timing:
        return body
    return {**body, "timing": {**timing, "timezone": context.user.timezone}}


def _answer(view: ScheduleView, status: int = 200) -> Answer:
    location = {"Location": view.links["self"]} if status == 201 else {}
    return Answer(status, view, {"ETag": view.etag, **location})


async def _shown(services: Services, context: Context, schedule_id: str) -> ScheduleView:
    """The schedule as it is now."""
    async with services.database.session() as session:
        return await schedule_detail(session, await stored.get(session, schedule_id), context)


def _settle(services: Services, context: Context) -> Callable[[Answer], Awaitable[Answer]]:
    async def settle(answer: Answer) -> Answer:
        await services.reconciler.settle_schedule(answer.body.id)
        return _answer(await _shown(services, context, answer.body.id), answer.status)

    return settle


@router.post("", include_in_schema=False, status_code=201, response_model=ScheduleView)
@router.post("/", status_code=201, response_model=ScheduleView, responses=documented(400, 409, 413, 415, 422))
async def create(body: SpecBody, context: CallerDep, services: ServicesDep, once: OnceDep) -> Response:
    """Store a schedule. It is kept even while Prefect is down: `sync.state` is then `pending`."""
    spec = read_spec(_zoned(body, context))

    async def work(session: AsyncSession) -> Answer:
        row = await schedules.create(session, spec, context)
        return _answer(await schedule_view(session, row, context), 201)

    return await once.perform(work, _settle(services, context))


@router.get("", include_in_schema=False, response_model=PageView[ScheduleView])
@router.get("/", responses=documented(422))
async def list_schedules(
    context: CallerDep,
    services: ServicesDep,
    cursor: Cursor = None,
    limit: Limit = 50,
    sort: Sort = "-created_at",
    state: ScheduleState | None = None,
    report_id: Annotated[str | None, Query(max_length=80)] = None,
    search: Annotated[str | None, Query(max_length=200, description="Part of the name.")] = None,
) -> PageView[ScheduleView]:
    """Schedules that are not deleted."""
    async with services.database.session() as session:
        page = await stored.list_page(
            session, cursor=cursor, limit=limit, sort=sort, state=state, report_id=report_id, search=search
        )
        views = await schedule_views(session, page.items, context)
    return PageView(items=views, next_cursor=page.next_cursor)


@router.post("/preview", responses=documented(400, 422))
async def preview(
    body: Annotated[
        dict[str, Any],
        DocumentedAs(PreviewRequest),
        Body(openapi_examples=examples(daily={"timing": {"frequency": "daily", "at": "02:30"}, "count": 5})),
    ],
    context: CallerDep,
    services: ServicesDep,
) -> PreviewView:
    """The next occurrences of a timing and what to know about it; what is shown here is what fires."""
    wanted = read_as(PreviewRequest, _zoned(body, context))
    draft = wanted.draft()
    async with services.database.session() as session:
        business = await business_calendar(session, wanted.timing.calendar)
    least = timedelta(seconds=context.settings.minimum_interval_seconds)
    jitter = wanted.policy.jitter
    faults = timing_faults(wanted.timing, business, now=context.now, least=least)
    if faults := faults + jitter_faults(jitter, wanted.timing, business, now=context.now):
        raise Invalid(faults)
    found = forecast(wanted.timing, business, now=context.now, count=wanted.count, jitter=jitter)
    async with services.database.session() as session:
        conflicts = await survey(session, draft, context.user, now=context.now, settings=context.settings)
    due = [DueTimeView.model_validate(one) for one in found.due]
    return PreviewView(words=found.words, next_runs=due, warnings=warning_views([*found.warnings, *conflicts]))


@router.get("/{schedule_id}", response_model=ScheduleView, responses=documented(404))
async def read(schedule_id: Id, context: CallerDep, services: ServicesDep) -> Response:
    """One schedule."""
    async with services.database.session() as session:
        view = await schedule_detail(session, await stored.get(session, schedule_id), context)
    return _answer(view).response()


@router.put("/{schedule_id}", response_model=ScheduleView, responses=documented(400, 404, 409, 412, 422))
async def replace(
    schedule_id: Id, body: SpecBody, context: CallerDep, services: ServicesDep, if_match: IfMatch = None
) -> Response:
    """Replace everything that a user can set; its id and its deployment stay."""
    spec = read_spec(_zoned(body, context))
    async with services.database.session() as session:
        await schedules.replace(session, schedule_id, spec, context, if_match=if_match)
    await services.reconciler.settle_schedule(schedule_id)
    return _answer(await _shown(services, context, schedule_id)).response()


@router.patch("/{schedule_id}", response_model=ScheduleView, responses=documented(400, 404, 409, 412, 422))
async def patch(
    schedule_id: Id, body: PatchBody, context: CallerDep, services: ServicesDep, if_match: IfMatch = None
) -> Response:
    """Change some fields by an RFC 7396 merge patch; null means the default again."""
    async with services.database.session() as session:
        row = await stored.get(session, schedule_id, lock=True)
        spec = read_spec(_zoned(schedules.patched(row, body), context))
        await schedules.replace(session, schedule_id, spec, context, if_match=if_match)
    await services.reconciler.settle_schedule(schedule_id)
    return _answer(await _shown(services, context, schedule_id)).response()


@router.delete("/{schedule_id}", status_code=204, responses=documented(404, 412))
async def delete(schedule_id: Id, context: CallerDep, services: ServicesDep, if_match: IfMatch = None) -> Response:
    """Delete a schedule; its history stays."""
    async with services.database.session() as session:
        await schedules.delete(session, schedule_id, context, if_match=if_match)
    await services.reconciler.settle_schedule(schedule_id)
    return Response(status_code=204)


@router.post("/{schedule_id}/pause", response_model=ScheduleView, responses=documented(404, 409, 412))
async def pause(
    schedule_id: Id, context: CallerDep, services: ServicesDep, once: OnceDep, if_match: IfMatch = None
) -> Response:
    """Stop it until it is resumed; nothing leaves for it meanwhile."""

    async def work(session: AsyncSession) -> Answer:
        row = await schedules.pause(session, schedule_id, context, if_match=if_match)
        return _answer(await schedule_view(session, row, context))

    return await once.perform(work, _settle(services, context))


@router.post("/{schedule_id}/resume", response_model=ScheduleView, responses=documented(404, 409, 412))
async def resume(
    schedule_id: Id, context: CallerDep, services: ServicesDep, once: OnceDep, if_match: IfMatch = None
) -> Response:
    """Let it fire again, from its next due time."""

    async def work(session: AsyncSession) -> Answer:
        row = await schedules.resume(session, schedule_id, context, if_match=if_match)
        return _answer(await schedule_view(session, row, context))

    return await once.perform(work, _settle(services, context))
