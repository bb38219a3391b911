"""REST for alerts: who was told of which incident, and a test of the routes."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from api.actions.alerts import actions as alerts
from api.actions.alerts.views import AlertTestView, AlertView
from api.actions.view import PageView
from api.http.dependencies import CallerDep, Cursor, Limit
from api.http.idempotency import Answer, OnceDep
from api.http.json_body import JsonRoute
from api.http.permission import may
from api.http.problems import documented
from mailroom.access.permissions import Action
from mailroom.alerts.repository import Wanted
from mailroom.alerts.spec import AlertState
from mailroom.notifications.kinds import Route

router = APIRouter(prefix="/alerts", tags=["alerts"], route_class=JsonRoute)


@router.get("", responses=documented(422), openapi_extra=may(Action.ALERT_LIST))
async def list_alerts(
    *,
    caller: CallerDep,
    cursor: Cursor = None,
    limit: Limit = 50,
    state: Annotated[AlertState | None, Query(description="Only alerts in this state.")] = None,
    incident: Annotated[str | None, Query(max_length=80, description="Only of this incident, by its id.")] = None,
    route: Annotated[Route | None, Query(description="Only by this route.")] = None,
) -> PageView[AlertView]:
    """List the alerts to you, and for an admin all of them, newest first: who was told of which incident by what."""
    wanted = Wanted(state=state, incident_id=incident, route=route)
    return await alerts.page(caller, wanted, cursor=cursor, limit=limit)


@router.post(
    "/test", response_model=AlertTestView, responses=documented(400, 409, 422), openapi_extra=may(Action.ALERT_TEST)
)
async def test_alerts(caller: CallerDep, once: OnceDep) -> Response:
    """Send a test alert by each route that is set, and say of each what happened.

    It goes to the operators by mail and by request, as the settings say, and to you within Mailroom. Where operators
    have no mail address, you get the mail.
    """
    return await once.perform(lambda remember: alerts.send_test(caller, remember), lambda view: Answer(200, view))
