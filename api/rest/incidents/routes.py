"""REST for incidents: what is wrong, since when, and what to do; who has taken note of it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Query
from pydantic import BaseModel, ConfigDict

from api.actions.incidents import actions as incidents
from api.actions.incidents.views import IncidentDetail, IncidentView
from api.actions.moment import Moment
from api.actions.view import PageView
from api.http.bodies import examples
from api.http.dependencies import CallerDep, Cursor, Id, Limit
from api.http.json_body import JsonRoute
from api.http.permission import may
from api.http.problems import documented
from mailroom.access.permissions import Action
from mailroom.incidents.repository import IncidentFilter
from mailroom.incidents.spec import IncidentKind

router = APIRouter(prefix="/incidents", tags=["incidents"], route_class=JsonRoute)


class MuteRequest(BaseModel):
    """Until when nothing is told of an incident; 30 days at most."""

    model_config = ConfigDict(extra="forbid")

    until: Moment


@router.get("", responses=documented(422), openapi_extra=may(Action.INCIDENT_LIST))
async def list_incidents(
    caller: CallerDep,
    is_open: Annotated[
        bool | None, Query(alias="open", description="Only what is wrong now, or only what is over.")
    ] = None,
    kind: IncidentKind | None = None,
    schedule: Annotated[str | None, Query(max_length=36, description="The id of a schedule.")] = None,
    merged: Annotated[bool, Query(description="Also those that follow from another incident.")] = False,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> PageView[IncidentView]:
    """List what is or was wrong with your schedules, your team's and those shared with you; admins see everything."""
    wanted = IncidentFilter(open=is_open, kind=kind, schedule_id=schedule, merged=merged)
    return await incidents.page(caller, wanted, cursor=cursor, limit=limit)


@router.get("/{incident_id}", responses=documented(404), openapi_extra=may(Action.INCIDENT_READ))
async def read(incident_id: Id, caller: CallerDep) -> IncidentDetail:
    """Get one incident, with the alerts about it."""
    return await incidents.read(caller, incident_id)


@router.post(
    "/{incident_id}/acknowledge", responses=documented(404, 409), openapi_extra=may(Action.INCIDENT_ACKNOWLEDGE)
)
async def acknowledge(incident_id: Id, caller: CallerDep) -> IncidentDetail:
    """Say that you take care of it: nobody else is told. That it is over is still told to those who know of it.

    A missed due time is over with that, since it cannot be repaired.
    """
    return await incidents.acknowledge(caller, incident_id)


@router.post("/{incident_id}/mute", responses=documented(400, 404, 409, 422), openapi_extra=may(Action.INCIDENT_MUTE))
async def mute(
    incident_id: Id,
    body: Annotated[
        MuteRequest, Body(openapi_examples=examples(until_tomorrow={"until": "2026-12-01T08:00:00+01:00"}))
    ],
    caller: CallerDep,
) -> IncidentDetail:
    """Tell nothing more of an incident until a moment, except that it is over."""
    return await incidents.mute(caller, incident_id, body.until)


@router.post("/{incident_id}/unmute", responses=documented(404, 409), openapi_extra=may(Action.INCIDENT_MUTE))
async def unmute(incident_id: Id, caller: CallerDep) -> IncidentDetail:
    """Tell of an incident again."""
    return await incidents.unmute(caller, incident_id)
