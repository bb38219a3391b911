"""Serve the catalog of reports."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from api.actions.reports import actions as reports
from api.http.permission import may
from api.web import page
from api.web.reports import view
from api.web.visitor import VisitorDep
from mailroom.access.permissions import Action

router = APIRouter(include_in_schema=False)


@router.get("/reports", openapi_extra=may(Action.REPORT_LIST))
async def listed(visitor: VisitorDep, search: Annotated[str, Query(max_length=200)] = "") -> HTMLResponse:
    """Show the reports as cards."""
    wanted = search.strip()
    found = await reports.every(visitor.caller, search=wanted or None)
    shown = view.page(found.items, visitor.when, search=wanted, is_admin=visitor.viewer.sees_all)
    return await page.render(visitor, "reports/page.html", title="Reports", page=shown)
