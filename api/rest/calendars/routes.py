"""REST for business calendars: which days are working days, for timings that skip or move holidays."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Query, Response

from api.actions.calendars import actions as calendars
from api.actions.calendars.views import CalendarDetail, CalendarUsersView, CalendarView, CountryView, EffectView
from api.actions.view import PageView
from api.http.bodies import DocumentedAs, examples
from api.http.dependencies import CallerDep, Id, IfMatch
from api.http.idempotency import Answer, OnceDep
from api.http.json_body import JsonRoute
from api.http.permission import may
from api.http.problems import documented
from api.http.reading import read as read_as
from api.rest.calendars.examples import CALENDAR
from mailroom.access.permissions import Action
from mailroom.schedules.calendar_changes import CalendarSettings, NewCalendar

router = APIRouter(prefix="/calendars", tags=["calendars"], route_class=JsonRoute)

NewBody = Annotated[
    dict[str, Any],
    DocumentedAs(NewCalendar),
    Body(openapi_examples=examples(office={"id": "munich-office", **CALENDAR})),
]
SettingsBody = Annotated[
    dict[str, Any], DocumentedAs(CalendarSettings), Body(openapi_examples=examples(office=CALENDAR))
]


def _created(view: CalendarDetail) -> Answer:
    return Answer(201, view, {"ETag": view.etag, "Location": f"/api/v1/calendars/{view.id}"})


@router.get("", openapi_extra=may(Action.CALENDAR_LIST))
async def list_calendars(
    caller: CallerDep,
    uses: Annotated[bool, Query(description="Count the schedules that are on each, as `used_by`.")] = False,
) -> PageView[CalendarView]:
    """List the calendars by title, without their days."""
    return await calendars.every(caller, with_uses=uses)


@router.get("/countries", openapi_extra=may(Action.CALENDAR_LIST))
async def list_countries(_caller: CallerDep) -> PageView[CountryView]:
    """List the countries whose public holidays are known, with their subdivisions."""
    return calendars.countries()


@router.post(
    "",
    status_code=201,
    response_model=CalendarDetail,
    responses=documented(400, 409, 422),
    openapi_extra=may(Action.CALENDAR_CREATE),
)
async def create(body: NewBody, caller: CallerDep, once: OnceDep) -> Response:
    """Create a calendar."""
    wanted = read_as(NewCalendar, body)
    return await once.perform(lambda remember: calendars.create(caller, wanted, remember), _created)


@router.get("/{calendar_id}", responses=documented(404), openapi_extra=may(Action.CALENDAR_READ))
async def read(calendar_id: Id, caller: CallerDep, response: Response) -> CalendarDetail:
    """Get one calendar, with its holidays of the coming year."""
    view = await calendars.read(caller, calendar_id)
    response.headers["ETag"] = view.etag
    return view


@router.put("/{calendar_id}", responses=documented(400, 404, 412, 422), openapi_extra=may(Action.CALENDAR_CHANGE))
async def replace(
    calendar_id: Id, body: SettingsBody, caller: CallerDep, response: Response, if_match: IfMatch = None
) -> CalendarDetail:
    """Replace the days of a calendar. Every schedule that uses it moves with it."""
    view = await calendars.replace(caller, calendar_id, read_as(CalendarSettings, body), if_match=if_match)
    response.headers["ETag"] = view.etag
    return view


@router.get("/{calendar_id}/uses", responses=documented(404), openapi_extra=may(Action.CALENDAR_READ))
async def uses(calendar_id: Id, caller: CallerDep) -> CalendarUsersView:
    """List the schedules that are on a calendar. Those that you may not see are only counted."""
    return await calendars.users(caller, calendar_id)


@router.post(
    "/{calendar_id}/effect", responses=documented(400, 404, 412, 422), openapi_extra=may(Action.CALENDAR_CHANGE)
)
async def effect(calendar_id: Id, body: SettingsBody, caller: CallerDep, if_match: IfMatch = None) -> EffectView:
    """Tell which schedules a change of a calendar would move within a year, and how. Nothing is stored."""
    return await calendars.effect(caller, calendar_id, read_as(CalendarSettings, body), if_match=if_match)


@router.delete(
    "/{calendar_id}", status_code=204, responses=documented(404, 409, 412), openapi_extra=may(Action.CALENDAR_DELETE)
)
async def delete(calendar_id: Id, caller: CallerDep, if_match: IfMatch = None) -> Response:
    """Delete a calendar. Refused while schedules use it."""
    await calendars.delete(caller, calendar_id, if_match=if_match)
    return Response(status_code=204)
