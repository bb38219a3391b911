"""REST for schedules: create, read, change, delete, pause, resume and preview."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Response

from api.actions.schedules import changes, reads
from api.actions.schedules.filters import Sort
from api.actions.schedules.preview import PreviewRequest
from api.actions.schedules.preview import preview as preview_timing
from api.actions.schedules.views import PreviewView, ScheduleView
from api.actions.view import PageView
from api.http.bodies import DocumentedAs, examples
from api.http.dependencies import CallerDep, Cursor, Id, IfMatch, Limit
from api.http.idempotency import Answer, OnceDep
from api.http.json_body import JsonRoute
from api.http.permission import may
from api.http.problems import documented
from api.http.reading import read as read_as
from api.rest.schedules.chosen import ChosenDep
from api.rest.schedules.examples import PATCHES, SCHEDULES
from mailroom.access.permissions import Action
from mailroom.schedules.spec import ScheduleSpec, in_zone, read_spec

router = APIRouter(prefix="/schedules", tags=["schedules"], route_class=JsonRoute)

SpecBody = Annotated[dict[str, Any], DocumentedAs(ScheduleSpec), Body(openapi_examples=SCHEDULES)]
PatchBody = Annotated[
    dict[str, Any], Body(openapi_examples=PATCHES, media_type="application/merge-patch+json", description="RFC 7396")
]


def _answer(view: ScheduleView) -> Answer:
    return Answer(200, view, {"ETag": view.etag})


def _created(view: ScheduleView) -> Answer:
    return Answer(201, view, {"ETag": view.etag, "Location": view.links["self"]})


@router.post(
    "", include_in_schema=False, status_code=201, response_model=ScheduleView, openapi_extra=may(Action.SCHEDULE_CREATE)
)
@router.post(
    "/",
    status_code=201,
    response_model=ScheduleView,
    responses=documented(400, 409, 413, 415, 422),
    openapi_extra=may(Action.SCHEDULE_CREATE),
)
async def create(body: SpecBody, caller: CallerDep, once: OnceDep) -> Response:
    """Create a schedule. It is stored even while Prefect is down; `sync.state` is then `pending`."""
    spec = read_spec(body, timezone=caller.context.user.timezone)
    return await once.perform(lambda remember: changes.create(caller, spec, remember), _created)


@router.get("", include_in_schema=False, response_model=PageView[ScheduleView], openapi_extra=may(Action.SCHEDULE_LIST))
@router.get("/", responses=documented(422), openapi_extra=may(Action.SCHEDULE_LIST))
async def list_schedules(
    caller: CallerDep, wanted: ChosenDep, cursor: Cursor = None, limit: Limit = 50, sort: Sort = "-created_at"
) -> PageView[ScheduleView]:
    """List the schedules that are not deleted. `attention` sorts failing ones first, and then what is due next."""
    return await reads.page(caller, wanted, cursor=cursor, limit=limit, sort=sort)


@router.post("/preview", responses=documented(400, 422), openapi_extra=may(Action.SCHEDULE_PREVIEW))
async def preview(
    body: Annotated[
        dict[str, Any],
        DocumentedAs(PreviewRequest),
        Body(openapi_examples=examples(daily={"timing": {"frequency": "daily", "at": "02:30"}, "count": 5})),
    ],
    caller: CallerDep,
) -> PreviewView:
    """Show the next due times of a timing, and warnings. Nothing is stored. What is shown is exactly what will run."""
    wanted = read_as(PreviewRequest, in_zone(body, caller.context.user.timezone))
    return await preview_timing(caller, wanted)


@router.get(
    "/{schedule_id}", response_model=ScheduleView, responses=documented(404), openapi_extra=may(Action.SCHEDULE_READ)
)
async def read(schedule_id: Id, caller: CallerDep) -> Response:
    """Get one schedule. A deleted one is answered, with the state `deleted`, while its deletion can be undone."""
    return _answer(await reads.read(caller, schedule_id)).response()


@router.put(
    "/{schedule_id}",
    response_model=ScheduleView,
    responses=documented(400, 404, 409, 412, 422),
    openapi_extra=may(Action.SCHEDULE_CHANGE),
)
async def replace(schedule_id: Id, body: SpecBody, caller: CallerDep, if_match: IfMatch = None) -> Response:
    """Replace everything that a user can set. The id and the Prefect deployment stay the same."""
    spec = read_spec(body, timezone=caller.context.user.timezone)
    return _answer(await changes.replace(caller, schedule_id, spec, if_match=if_match)).response()


@router.patch(
    "/{schedule_id}",
    response_model=ScheduleView,
    responses=documented(400, 404, 409, 412, 422),
    openapi_extra=may(Action.SCHEDULE_CHANGE),
)
async def patch(schedule_id: Id, body: PatchBody, caller: CallerDep, if_match: IfMatch = None) -> Response:
    """Change some fields by an RFC 7396 merge patch; null restores a field's default."""
    return _answer(await changes.patch(caller, schedule_id, body, if_match=if_match)).response()


@router.delete(
    "/{schedule_id}", status_code=204, responses=documented(404, 412), openapi_extra=may(Action.SCHEDULE_DELETE)
)
async def delete(schedule_id: Id, caller: CallerDep, if_match: IfMatch = None) -> Response:
    """Delete a schedule: nothing is sent for it from now on, and lists leave it out. Its history is kept.

    For some minutes (`delete_after` of the schedule, which is still answered until then) the deletion can be undone.
    """
    await changes.delete(caller, schedule_id, if_match=if_match)
    return Response(status_code=204)


@router.post(
    "/{schedule_id}/undelete",
    response_model=ScheduleView,
    responses=documented(404, 409, 412),
    openapi_extra=may(Action.SCHEDULE_DELETE),
)
async def undelete(schedule_id: Id, caller: CallerDep, once: OnceDep, if_match: IfMatch = None) -> Response:
    """Undo the deletion of a schedule, which then has the state that it had.

    An active one runs again from its next due time. One that may not run by now, such as when its report was deleted
    meanwhile, comes back suspended. When the time to undo has passed, the answer is 404.
    """
    return await once.perform(
        lambda remember: changes.undelete(caller, schedule_id, remember, if_match=if_match), _answer
    )


@router.post(
    "/{schedule_id}/pause",
    response_model=ScheduleView,
    responses=documented(404, 409, 412),
    openapi_extra=may(Action.SCHEDULE_PAUSE),
)
async def pause(schedule_id: Id, caller: CallerDep, once: OnceDep, if_match: IfMatch = None) -> Response:
    """Pause a schedule until it is resumed. Nothing is sent for it meanwhile."""
    return await once.perform(lambda remember: changes.pause(caller, schedule_id, remember, if_match=if_match), _answer)


@router.post(
    "/{schedule_id}/resume",
    response_model=ScheduleView,
    responses=documented(404, 409, 412),
    openapi_extra=may(Action.SCHEDULE_RESUME),
)
async def resume(schedule_id: Id, caller: CallerDep, once: OnceDep, if_match: IfMatch = None) -> Response:
    """Resume a schedule: it runs again from its next due time."""
    return await once.perform(
        lambda remember: changes.resume(caller, schedule_id, remember, if_match=if_match), _answer
    )
