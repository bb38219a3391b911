"""Business calendars: which days are worked, for timings that skip or move holidays."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Response
from sqlalchemy.ext.asyncio import AsyncSession

from api.actions.calendars.views import CalendarDetail, CalendarView, CountryView
from api.actions.view import PageView
from api.http.bodies import DocumentedAs, examples
from api.http.dependencies import CallerDep, Id, IfMatch, ServicesDep
from api.http.idempotency import Answer, OnceDep
from api.http.json_body import JsonRoute
from api.http.problems import documented
from api.http.reading import read as read_as
from mailroom.calendars import repository as calendars
from mailroom.calendars.spec import CalendarDefinition, countries
from mailroom.context import Context
from mailroom.schedules import calendar_changes
from mailroom.schedules.calendar_changes import CalendarSettings, NewCalendar
from mailroom.storage.tables import Calendar

router = APIRouter(prefix="/calendars", tags=["calendars"], route_class=JsonRoute)

CALENDAR: dict[str, Any] = {
    "title": "Munich office",
    "country": "DE",
    "subdivision": "BY",
    "weekend": ["sat", "sun"],
    "holidays": [{"date": "2026-12-24", "name": "Office closed"}],
    "working_days": [],
}
NewBody = Annotated[
    dict[str, Any],
    DocumentedAs(NewCalendar),
    Body(openapi_examples=examples(office={"id": "munich-office", **CALENDAR})),
]
SettingsBody = Annotated[
    dict[str, Any], DocumentedAs(CalendarSettings), Body(openapi_examples=examples(office=CALENDAR))
]


def _view(row: Calendar) -> CalendarView:
    return CalendarView(id=row.id, title=row.title, etag=calendar_changes.etag(row), updated_at=row.updated_at)


def _detail(row: Calendar, context: Context) -> CalendarDetail:
    definition = CalendarDefinition.model_validate(row.definition)
    ahead = definition.days_off(context.now.date())
    return CalendarDetail(
        **_view(row).model_dump(), **definition.model_dump(), days_off=[day.model_dump() for day in ahead]
    )


@router.get("")
async def list_calendars(_context: CallerDep, services: ServicesDep) -> PageView[CalendarView]:
    """Every calendar by title, without its days."""
    async with services.database.session() as session:
        rows = await calendars.every(session)
    return PageView(items=[_view(row) for row in rows])


@router.get("/countries")
async def list_countries(_context: CallerDep) -> PageView[CountryView]:
    """The countries whose public holidays are known, with their subdivisions."""
    return PageView(items=[CountryView(country=code, subdivisions=list(parts)) for code, parts in countries().items()])


@router.post("", status_code=201, response_model=CalendarDetail, responses=documented(400, 409, 422))
async def create(body: NewBody, context: CallerDep, once: OnceDep) -> Response:
    """Store a calendar."""
    wanted = read_as(NewCalendar, body)

    async def work(session: AsyncSession) -> Answer:
        view = _detail(await calendar_changes.create(session, wanted, context), context)
        return Answer(201, view, {"ETag": view.etag, "Location": f"/api/v1/calendars/{view.id}"})

    return await once.perform(work)


@router.get("/{calendar_id}", responses=documented(404))
async def read(calendar_id: Id, context: CallerDep, services: ServicesDep, response: Response) -> CalendarDetail:
    """One calendar, with its holidays of the coming year."""
    async with services.database.session() as session:
        view = _detail(await calendars.get(session, calendar_id), context)
    response.headers["ETag"] = view.etag
    return view


@router.put("/{calendar_id}", responses=documented(400, 404, 412, 422))
async def replace(
    calendar_id: Id,
    body: SettingsBody,
    context: CallerDep,
    services: ServicesDep,
    response: Response,
    if_match: IfMatch = None,
) -> CalendarDetail:
    """Replace a calendar's days; every schedule on it moves with it."""
    wanted = read_as(CalendarSettings, body)
    async with services.database.session() as session:
        row = await calendar_changes.replace(session, calendar_id, wanted, context, if_match=if_match)
        view = _detail(row, context)
    response.headers["ETag"] = view.etag
    return view


@router.delete("/{calendar_id}", status_code=204, responses=documented(404, 409, 412))
async def delete(calendar_id: Id, context: CallerDep, services: ServicesDep, if_match: IfMatch = None) -> Response:
    """Delete a calendar; refused while schedules are on it."""
    async with services.database.session() as session:
        await calendar_changes.delete(session, calendar_id, context, if_match=if_match)
    return Response(status_code=204)
