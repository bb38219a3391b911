"""Serve schedules, reports and connections as the documents that `mailroom apply` takes."""

from __future__ import annotations

from fastapi import APIRouter, Response

from api.actions.apply import export
from api.actions.apply.marks import mark_of
from api.http.dependencies import ConnectionName, Id
from api.http.permission import may
from api.web import page
from api.web.as_code import view
from api.web.visitor import Visitor, VisitorDep
from mailroom.access.permissions import Action
from mailroom.as_code.spec import Kind

router = APIRouter(include_in_schema=False)


@router.get("/schedules/{schedule_id}/code", openapi_extra=may(Action.SCHEDULE_READ))
async def schedule(schedule_id: Id, visitor: VisitorDep, download: bool = False) -> Response:
    """Show a schedule as code."""
    return await _answer(visitor, Kind.SCHEDULE, schedule_id, download)


@router.get("/reports/{report_id}/code", openapi_extra=may(Action.REPORT_READ))
async def report(report_id: Id, visitor: VisitorDep, download: bool = False) -> Response:
    """Show a report as code."""
    return await _answer(visitor, Kind.REPORT, report_id, download)


@router.get("/connections/{name}/code", openapi_extra=may(Action.CONNECTION_READ))
async def connection(name: ConnectionName, visitor: VisitorDep, download: bool = False) -> Response:
    """Show a connection as code, without its secrets."""
    return await _answer(visitor, Kind.CONNECTION, name, download)


async def _answer(visitor: Visitor, kind: Kind, entity_id: str, download: bool) -> Response:
    found = await export.one(visitor.caller, kind, entity_id)
    mark = await mark_of(visitor.caller, kind, entity_id)
    spec = found.document["spec"]
    title = str(spec.get("title") or spec.get("name") or found.name)
    shown = view.code_page(found, mark, visitor.when, title=title, here=entity_id)
    if download:
        name = found.path.rpartition("/")[2]
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"}
        return Response(shown.text, media_type="application/yaml", headers=headers)
    return await page.render(visitor, "as_code/page.html", title=f"{title} as code", page=shown)
