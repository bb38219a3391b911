"""REST for teams, whose members do not see those of others."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Response

from api.actions.teams import actions as teams
from api.actions.teams.views import TeamView
from api.actions.view import PageView
from api.http.bodies import examples
from api.http.dependencies import CallerDep, Cursor, IfMatch, Limit, Reference
from api.http.idempotency import Answer, OnceDep
from api.http.json_body import JsonRoute
from api.http.permission import may
from api.http.problems import documented
from mailroom.access.permissions import Action
from mailroom.members.spec import TeamSettings

router = APIRouter(prefix="/teams", tags=["users"], route_class=JsonRoute)
TeamBody = Annotated[
    TeamSettings, Body(openapi_examples=examples(sales={"name": "Sales EMEA", "external_id": "sales"}))
]


def _created(view: TeamView) -> Answer:
    return Answer(201, view, {"ETag": view.etag, "Location": f"/api/v1/teams/{view.id}"})


@router.get("", responses=documented(422), openapi_extra=may(Action.TEAM_LIST))
async def list_teams(caller: CallerDep, cursor: Cursor = None, limit: Limit = 50) -> PageView[TeamView]:
    """List the teams that you may see, by name: an admin sees all, others their own."""
    return await teams.page(caller, cursor=cursor, limit=limit)


@router.post(
    "",
    status_code=201,
    response_model=TeamView,
    responses=documented(400, 409, 422),
    openapi_extra=may(Action.TEAM_CREATE),
)
async def create(body: TeamBody, caller: CallerDep, once: OnceDep) -> Response:
    """Create a team."""
    return await once.perform(lambda remember: teams.create(caller, body, remember), _created)


@router.get("/{team_id}", responses=documented(404), openapi_extra=may(Action.TEAM_READ))
async def read(team_id: Reference, caller: CallerDep, response: Response) -> TeamView:
    """Get one team, by id or by `ext:` and external id."""
    view = await teams.read(caller, team_id)
    response.headers["ETag"] = view.etag
    return view


@router.put("/{team_id}", responses=documented(400, 404, 409, 412, 422), openapi_extra=may(Action.TEAM_CHANGE))
async def replace(
    team_id: Reference, body: TeamBody, caller: CallerDep, response: Response, if_match: IfMatch = None
) -> TeamView:
    """Replace everything that is said of a team."""
    view = await teams.replace(caller, team_id, body, if_match=if_match)
    response.headers["ETag"] = view.etag
    return view


@router.delete(
    "/{team_id}", status_code=204, responses=documented(404, 409, 412), openapi_extra=may(Action.TEAM_DELETE)
)
async def delete(team_id: Reference, caller: CallerDep, if_match: IfMatch = None) -> Response:
    """Delete a team. Refused while it has members."""
    await teams.delete(caller, team_id, if_match=if_match)
    return Response(status_code=204)
