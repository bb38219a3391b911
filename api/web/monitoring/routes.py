"""Serve the page Monitoring, and the page of an incident with what can be done about it."""

from __future__ import annotations

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse

from api.actions.incidents import actions as incidents
from api.actions.incidents.rights import may_handle
from api.actions.monitoring.reading import house
from api.http.dependencies import Cursor, Id
from api.http.permission import may
from api.web import notices, page
from api.web.forms import FormDep
from api.web.monitoring import view
from api.web.monitoring.incidents import HOME, MUTES, USUAL_MUTE
from api.web.monitoring.incidents import page_of as incident_page
from api.web.visitor import VisitorDep
from mailroom.access.permissions import Action
from mailroom.incidents.repository import IncidentFilter
from mailroom.watching.levels.spec import Period

router = APIRouter(prefix=HOME, include_in_schema=False)
_ROWS = 20


@router.get("", openapi_extra=may(Action.INCIDENT_LIST))
async def show(visitor: VisitorDep, cursor: Cursor = None, period: str = "") -> HTMLResponse:
    """Show how the house is; those who do not see everything see what is wrong with what is theirs."""
    chosen = Period(period) if period in set(Period) else Period.DAY
    found = await incidents.page(visitor.caller, IncidentFilter(open=True), cursor=cursor, limit=_ROWS)
    whole = await house(visitor.caller, chosen, visitor.when.zone) if visitor.may(Action.METRICS_READ) else None
    made = view.page_of(whole, found, chosen, visitor.services.settings, visitor.when)
    return await page.render(visitor, "monitoring/page.html", title=made.title, page=made)


@router.get("/incidents/{incident_id}", openapi_extra=may(Action.INCIDENT_READ))
async def one(incident_id: Id, visitor: VisitorDep) -> HTMLResponse:
    """Show an incident."""
    found = await incidents.read(visitor.caller, incident_id)
    made = incident_page(found, visitor.when, may_handle=await may_handle(visitor.caller, incident_id))
    return await page.render(visitor, "monitoring/incident.html", title=f"{found.title} · Monitoring", page=made)


@router.post("/incidents/{incident_id}/acknowledge", openapi_extra=may(Action.INCIDENT_ACKNOWLEDGE))
async def acknowledge(incident_id: Id, visitor: VisitorDep, form: FormDep) -> Response:
    """Take note of an incident."""
    found = await incidents.acknowledge(visitor.caller, incident_id)
    over = " It is over with that." if found.resolved_at else " Nobody else is told; you hear when it is over."
    await notices.add(visitor, f"You have taken note of “{found.title}”.{over}")
    return page.see(visitor, form.text("back") or f"{HOME}/incidents/{incident_id}")


@router.post("/incidents/{incident_id}/mute", openapi_extra=may(Action.INCIDENT_MUTE))
async def mute(incident_id: Id, visitor: VisitorDep, form: FormDep) -> Response:
    """Tell nothing more of an incident for a while."""
    _, length = MUTES.get(form.text("for"), MUTES[USUAL_MUTE])
    until = visitor.now + length
    found = await incidents.mute(visitor.caller, incident_id, until)
    told = f"“{found.title}” is muted until {visitor.when.moment(until, short=True).text}."
    await notices.add(visitor, f"{told} That it is over is still told.")
    return page.see(visitor, form.text("back") or f"{HOME}/incidents/{incident_id}")


@router.post("/incidents/{incident_id}/unmute", openapi_extra=may(Action.INCIDENT_MUTE))
async def unmute(incident_id: Id, visitor: VisitorDep, form: FormDep) -> Response:
    """Tell of an incident again."""
    found = await incidents.unmute(visitor.caller, incident_id)
    await notices.add(visitor, f"“{found.title}” is told of again.")
    return page.see(visitor, form.text("back") or f"{HOME}/incidents/{incident_id}")
