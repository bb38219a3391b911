"""Reports: definitions as JSON, and a look at one."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Query, Response
from fastapi.responses import HTMLResponse
from sqlalchemy.ext.asyncio import AsyncSession

from api.actions.reports.views import ReportSummary, ReportView
from api.actions.view import PageView
from api.http.bodies import DocumentedAs, examples
from api.http.dependencies import CallerDep, Id, IfMatch, ServicesDep
from api.http.idempotency import Answer, OnceDep
from api.http.json_body import JsonRoute, parse
from api.http.problems import documented
from api.http.reading import read as read_as
from mailroom.connections import repository as connection_repository
from mailroom.errors import Invalid
from mailroom.rendering import previews
from mailroom.reports import repository as report_repository
from mailroom.reports import service as reports
from mailroom.reports.spec import ReportDefinition
from mailroom.storage.tables import Report

router = APIRouter(prefix="/reports", tags=["reports"], route_class=JsonRoute)

REPORT = {
    "id": "sales-by-region",
    "title": "Sales by region",
    "source": {
        "kind": "sql",
        "connection": "warehouse",
        "queries": {"sales": "SELECT region, sum(amount) AS amount FROM sales WHERE day >= :from_day GROUP BY region"},
    },
    "parameters": {
        "type": "object",
        "properties": {
            "from_day": {"type": "string", "format": "date", "title": "From", "default": "start_of_last_month"}
        },
    },
    "sections": [{"kind": "table", "heading": "Sales", "query": "sales"}],
    "formats": ["pdf", "xlsx", "csv"],
}
DefinitionBody = Annotated[
    dict[str, Any], DocumentedAs(ReportDefinition), Body(openapi_examples=examples(sql_report=REPORT))
]


def _view(row: Report, warnings: list[str] | None = None) -> ReportView:
    view = ReportView.model_validate(row)
    return view.model_copy(update={"warnings": warnings or []})


@router.get("")
async def list_reports(_context: CallerDep, services: ServicesDep) -> PageView[ReportSummary]:
    """Every report by title, without definitions."""
    async with services.database.session() as session:
        rows = await report_repository.every(session)
    return PageView(items=[ReportSummary.model_validate(row) for row in rows])


@router.post("", status_code=201, response_model=ReportView, responses=documented(400, 409, 422))
async def create(body: DefinitionBody, context: CallerDep, once: OnceDep) -> Response:
    """Store a new report, its SQL and its template inside the definition."""
    definition = read_as(ReportDefinition, body)

    async def work(session: AsyncSession) -> Answer:
        row, warnings = await reports.save(session, definition, context, new=True)
        headers = {"ETag": reports.etag(row), "Location": f"/api/v1/reports/{row.id}"}
        return Answer(201, _view(row, warnings), headers)

    return await once.perform(work)


@router.get("/{report_id}", responses=documented(404))
async def read(report_id: Id, _context: CallerDep, services: ServicesDep, response: Response) -> ReportView:
    """One report with its definition."""
    async with services.database.session() as session:
        row = await report_repository.get(session, report_id)
    response.headers["ETag"] = reports.etag(row)
    return _view(row)


@router.put("/{report_id}", responses=documented(400, 404, 412, 422))
async def replace(
    report_id: Id,
    body: DefinitionBody,
    context: CallerDep,
    services: ServicesDep,
    response: Response,
    if_match: IfMatch = None,
) -> ReportView:
    """Replace a report's definition."""
    definition = read_as(ReportDefinition, {"id": report_id, **body})
    if definition.id != report_id:
        raise Invalid.at("id", f"is '{definition.id}', the path says '{report_id}'.", "Send the same id.")
    async with services.database.session() as session:
        row, warnings = await reports.save(session, definition, context, new=False, if_match=if_match)
        view = _view(row, warnings)
    response.headers["ETag"] = reports.etag(row)
    return view


@router.delete("/{report_id}", status_code=204, responses=documented(404, 409, 412))
async def delete(report_id: Id, context: CallerDep, services: ServicesDep, if_match: IfMatch = None) -> Response:
    """Take a report away; refused while schedules use it."""
    async with services.database.session() as session:
        await reports.delete(session, report_id, context, if_match=if_match)
    return Response(status_code=204)


@router.get("/{report_id}/preview", response_class=HTMLResponse, responses=documented(404, 422, 503))
async def preview(
    report_id: Id,
    context: CallerDep,
    services: ServicesDep,
    parameters: Annotated[
        str, Query(max_length=10_000, description="A JSON object; defaults are filled in.", examples=["{}"])
    ] = "{}",
) -> HTMLResponse:
    """The report as HTML with today's data, within narrow limits of time, memory and size."""
    values = parse(parameters.encode("utf-8", "surrogatepass"), what="`parameters`")
    if not isinstance(values, dict):
        raise Invalid.at("parameters", "is not a JSON object.", 'Send an object such as {"carrier": "UA"}.')
    async with services.database.session() as session:
        row = await report_repository.get(session, report_id)
        definition = ReportDefinition.model_validate(row.definition)
        source = await connection_repository.get(session, definition.source.connection)
    async with services.previews:
        html = await previews.preview_html(
            definition,
            source,
            values,
            timezone=context.user.timezone,
            settings=context.settings,
            group=context.user.id,
        )
    headers = {
        # What a report holds must not run, nor load anything, in our origin.
        "Content-Security-Policy": "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
    return HTMLResponse(html, headers=headers)
