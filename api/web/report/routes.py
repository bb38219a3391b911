"""Serve the page of one report, with its data to look at."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Response
from fastapi.responses import HTMLResponse

from api.actions.apply.marks import mark_of
from api.actions.reports import actions as reports
from api.actions.reports.views import ReportView
from api.actions.schedules import reads as schedules
from api.actions.schedules.filters import ScheduleFilter
from api.http.dependencies import Id
from api.http.permission import may
from api.http.sandbox import SANDBOX
from api.web import page, refusals
from api.web.as_code.view import origin
from api.web.forms import FormDep
from api.web.report import parameters, view
from api.web.visitor import Visitor, VisitorDep
from mailroom.access.permissions import Action
from mailroom.as_code.spec import Kind
from mailroom.errors import Forbidden, NotFound
from mailroom.rendering.previews import passes_files_on
from mailroom.reports.parameters import ParametersInvalid
from mailroom.reports.spec import ReportDefinition
from prefect_mailroom.errors import MailroomError

router = APIRouter(include_in_schema=False)
_MOST_SCHEDULES = 50
_Took = Annotated[float | None, Query(ge=0, le=3600)]


@router.get("/reports/{report_id}", openapi_extra=may(Action.REPORT_READ))
async def show(report_id: Id, visitor: VisitorDep, took: _Took = None) -> HTMLResponse:
    """Show a report; its data too, after they were made in so many seconds."""
    found = await reports.read(visitor.caller, report_id)
    given = parameters.of_query(visitor.request.query_params.multi_items())
    query = parameters.as_query(given)
    shown = view.shown(f"/reports/{report_id}", took, query) if took is not None else None
    return await _page(visitor, found, given, shown=shown)


@router.post("/reports/{report_id}/preview", openapi_extra=may(Action.REPORT_PREVIEW))
async def make_preview(report_id: Id, visitor: VisitorDep, form: FormDep) -> Response:
    """Render the report with today's data, then show it on its page."""
    found = await reports.read(visitor.caller, report_id)
    nested = form.nested().get(parameters.PREFIX, {})
    given = parameters.understood(_schema(found), nested) if isinstance(nested, Mapping) else {}
    values, began = parameters.values(_schema(found), given), time.monotonic()
    try:
        took, _ = await _rendered(visitor, report_id, values)
    except (NotFound, Forbidden):
        raise
    except ParametersInvalid as error:
        errors = _by_field(error)
        return await _page(visitor, found, given, errors=errors, status=422)
    except MailroomError as error:
        stopped = view.stopped(error, time.monotonic() - began)
        return await _page(visitor, found, given, stopped=stopped, status=422)
    query = urlencode([*parameters.as_query(given), ("took", f"{took:.1f}")])
    return page.see(visitor, f"/reports/{report_id}?{query}")


@router.get("/reports/{report_id}/preview", openapi_extra=may(Action.REPORT_PREVIEW))
async def preview(report_id: Id, visitor: VisitorDep) -> HTMLResponse:
    """Show the data alone, where nothing in them may run."""
    found = await reports.read(visitor.caller, report_id)
    given = parameters.of_query(visitor.request.query_params.multi_items())
    began = time.monotonic()
    try:
        _, html = await _rendered(visitor, report_id, parameters.values(_schema(found), given))
    except (NotFound, Forbidden):
        raise
    except MailroomError as error:
        # Our own pages do not stand in frames; this has to be read in one.
        stopped = view.stopped(error, time.monotonic() - began)
        failed = page.TEMPLATES.get_template("report/failed.html").render(stopped=stopped, title=found.title)
        return _sandboxed(visitor, failed.encode(), status=422)
    return _sandboxed(visitor, html)


async def _rendered(visitor: Visitor, report_id: str, values: Mapping[str, Any]) -> tuple[float, bytes]:
    """Return the seconds that a report took, and its HTML; one that this person saw just now is not rendered again."""
    kept, key = visitor.services.shown, (visitor.user.id, report_id, repr(sorted(values.items())), "timed")
    if (found := kept.get(key)) is None:
        began = time.monotonic()
        html = await reports.preview(visitor.caller, report_id, dict(values))
        found = kept[key] = f"{time.monotonic() - began:.3f}\n".encode() + html
    took, _, html = found.partition(b"\n")
    return float(took), html


def _sandboxed(visitor: Visitor, html: bytes, status: int = 200) -> HTMLResponse:
    """Return what a report made, for a frame of its own page, wherever that page may stand itself."""
    around = f"frame-ancestors 'self' {visitor.services.settings.frame_ancestors}".strip()
    policy = f"{SANDBOX['Content-Security-Policy']}; {around}"
    return HTMLResponse(
        html, status, headers={**SANDBOX, "Content-Security-Policy": policy, "Cache-Control": "private, no-store"}
    )


async def _page(
    visitor: Visitor,
    found: ReportView,
    given: Mapping[str, Any],
    *,
    errors: Mapping[str, Sequence[str]] | None = None,
    shown: view.Shown | None = None,
    stopped: view.Stopped | None = None,
    status: int = 200,
) -> HTMLResponse:
    schema = _schema(found)
    wanted = ScheduleFilter(report_id=found.id)
    on_it = await schedules.page(visitor.caller, wanted, cursor=None, limit=_MOST_SCHEDULES, sort="name")
    versions = await reports.versions(visitor.caller, found.id)
    told = view.page(
        found,
        visitor.when,
        parameters=parameters.group(schema, parameters.values(schema, given) if given else {}, errors),
        query=parameters.as_query(given),
        has_preview=not passes_files_on(ReportDefinition.model_validate(found.definition)),
        may_schedule=visitor.may(Action.SCHEDULE_CREATE),
        schedules=on_it.items,
        versions=versions.items,
    )
    return await page.render(
        visitor,
        "report/page.html",
        part="report/preview.html",
        title=f"{found.title} · Reports",
        status=status,
        page=told,
        origin=origin(await mark_of(visitor.caller, Kind.REPORT, found.id), visitor.when),
        shown=shown,
        stopped=stopped,
    )


def _schema(found: ReportView) -> dict[str, Any]:
    schema = found.definition.get("parameters", {})
    return schema if isinstance(schema, dict) else {}


def _by_field(error: ParametersInvalid) -> dict[str, tuple[str, ...]]:
    told: dict[str, tuple[str, ...]] = {}
    for problem in error.problems:
        name = f"{parameters.PREFIX}-{problem.field}"
        words = refusals.for_pages(problem.message)
        told[name] = (*told.get(name, ()), f"{words[:1].upper()}{words[1:]}.".replace("..", "."))
    return told
