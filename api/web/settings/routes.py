"""Serve the page Settings, and its test of the alerts."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from api.actions.alerts import actions as alerts
from api.actions.alerts.views import AlertTestView
from api.actions.limits import actions as limits
from api.actions.monitoring.health import health
from api.http.permission import may
from api.web import page
from api.web.settings import view
from api.web.visitor import Visitor, VisitorDep
from mailroom.access.permissions import Action

router = APIRouter(prefix="/settings", include_in_schema=False)


@router.get("", openapi_extra=may(Action.LIMIT_LIST))
async def show(visitor: VisitorDep) -> HTMLResponse:
    """Show the rules of the installation; those who do not see everything see their own limits."""
    if not visitor.may(Action.METRICS_READ):
        made = view.own_page(visitor.services.settings, visitor.user)
        return await page.render(visitor, "settings/page.html", title="Settings", page=made)
    return await _whole(visitor)


@router.post("/alerts/test", openapi_extra=may(Action.ALERT_TEST))
async def test_alerts(visitor: VisitorDep) -> HTMLResponse:
    """Send a test alert by each route that is set, and show how each ended."""
    return await _whole(visitor, await alerts.send_test(visitor.caller))


async def _whole(visitor: Visitor, tested: AlertTestView | None = None) -> HTMLResponse:
    settings = visitor.services.settings
    checks, beyond = await health(visitor.caller), await limits.beyond_them(visitor.caller)
    made = view.whole_page(settings, checks, visitor.when, beyond=beyond, tested=tested)
    return await page.render(visitor, "settings/page.html", title="Settings", page=made)
