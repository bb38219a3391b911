"""REST for reports: their definitions as JSON, and a preview of one."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Query, Response
from fastapi.responses import HTMLResponse

from api.actions.reports import actions as reports
from api.actions.reports.views import ReportSummary, ReportVersion, ReportView
from api.actions.view import PageView
from api.http.bodies import DocumentedAs, examples
from api.http.dependencies import CallerDep, Id, IfMatch
from api.http.idempotency import Answer, OnceDep
from api.http.json_body import JsonRoute, parse
from api.http.permission import may
from api.http.problems import documented
from api.http.reading import read as read_as
from api.http.sandbox import SANDBOX
from api.rest.reports.examples import REPORT
from mailroom.access.permissions import Action
from mailroom.errors import Invalid
from mailroom.reports.spec import ReportDefinition

router = APIRouter(prefix="/reports", tags=["reports"], route_class=JsonRoute)

DefinitionBody = Annotated[
    dict[str, Any], DocumentedAs(ReportDefinition), Body(openapi_examples=examples(sql_report=REPORT))
]


def _created(view: ReportView) -> Answer:
    return Answer(201, view, {"ETag": view.etag, "Location": f"/api/v1/reports/{view.id}"})


@router.get("", openapi_extra=may(Action.REPORT_LIST))
async def list_reports(
    caller: CallerDep,
    search: Annotated[
        str | None, Query(min_length=1, max_length=200, description="A part of the title, the id or the description.")
    ] = None,
) -> PageView[ReportSummary]:
    """List the reports by title, without definitions."""
    return await reports.every(caller, search=search)


@router.post(
    "",
    status_code=201,
    response_model=ReportView,
    responses=documented(400, 409, 422),
    openapi_extra=may(Action.REPORT_CREATE),
)
async def create(body: DefinitionBody, caller: CallerDep, once: OnceDep) -> Response:
    """Create a report. The definition includes its SQL and its template."""
    definition = read_as(ReportDefinition, body)
    return await once.perform(lambda remember: reports.create(caller, definition, remember), _created)


@router.get("/{report_id}", responses=documented(404), openapi_extra=may(Action.REPORT_READ))
async def read(report_id: Id, caller: CallerDep, response: Response) -> ReportView:
    """Get one report with its definition."""
    view = await reports.read(caller, report_id)
    response.headers["ETag"] = view.etag
    return view


@router.get("/{report_id}/versions", responses=documented(404), openapi_extra=may(Action.REPORT_READ))
async def versions(report_id: Id, caller: CallerDep) -> PageView[ReportVersion]:
    """List the last versions of a report: since when, by whom and what each changed."""
    return await reports.versions(caller, report_id)


@router.put("/{report_id}", responses=documented(400, 404, 409, 412, 422), openapi_extra=may(Action.REPORT_CHANGE))
async def replace(
    report_id: Id,
    body: DefinitionBody,
    caller: CallerDep,
    response: Response,
    if_match: IfMatch = None,
    suspend_broken: Annotated[
        bool,
        Query(
            description=(
                "Whether active schedules that do not fit the new definition may be suspended. Their owners are told."
            )
        ),
    ] = False,
) -> ReportView:
    """Replace the definition of a report. `warnings` names each schedule that it breaks, whose it is, and why.

    Where active schedules would break, it is refused with 409 and names them, unless `suspend_broken` is set.
    """
    definition = read_as(ReportDefinition, {"id": report_id, **body})
    if definition.id != report_id:
        raise Invalid.at(
            "id",
            f"The id in the body is '{definition.id}', but the path says '{report_id}'.",
            ("Send the same id in both."),
        )
    view = await reports.replace(caller, definition, if_match=if_match, suspend_broken=suspend_broken)
    response.headers["ETag"] = view.etag
    return view


@router.delete(
    "/{report_id}", status_code=204, responses=documented(404, 409, 412), openapi_extra=may(Action.REPORT_DELETE)
)
async def delete(report_id: Id, caller: CallerDep, if_match: IfMatch = None) -> Response:
    """Delete a report. Refused while schedules use it."""
    await reports.delete(caller, report_id, if_match=if_match)
    return Response(status_code=204)


@router.get(
    "/{report_id}/preview",
    response_class=HTMLResponse,
    responses=documented(404, 422, 503),
    openapi_extra=may(Action.REPORT_PREVIEW),
)
async def preview(
    report_id: Id,
    caller: CallerDep,
    parameters: Annotated[
        str,
        Query(
            max_length=10_000, description="The parameters as a JSON object. Defaults are filled in.", examples=["{}"]
        ),
    ] = "{}",
) -> HTMLResponse:
    """Show the report as HTML with today's data, within narrow limits of time, memory and size."""
    values = parse(parameters.encode("utf-8", "surrogatepass"), what="`parameters`")
    if not isinstance(values, dict):
        raise Invalid.at(
            "parameters", "`parameters` must be a JSON object.", ('Send an object such as {"carrier": "UA"}.')
        )
    html = await reports.preview(caller, report_id, values)
    return HTMLResponse(html, headers={**SANDBOX, "Cache-Control": "no-store"})
