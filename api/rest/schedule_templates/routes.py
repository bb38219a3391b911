"""REST for templates: parts of a schedule to start others from."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Response

from api.actions.schedule_templates import actions as templates
from api.actions.schedule_templates.views import TemplateView
from api.actions.view import PageView
from api.http.bodies import DocumentedAs, examples
from api.http.dependencies import CallerDep, Id, IfMatch
from api.http.idempotency import Answer, OnceDep
from api.http.json_body import JsonRoute
from api.http.permission import may
from api.http.problems import documented
from api.http.reading import read as read_as
from mailroom.access.permissions import Action
from mailroom.access.sharing import GrantedTo
from mailroom.schedule_templates.spec import TemplateSpec

router = APIRouter(prefix="/schedule-templates", tags=["schedule templates"], route_class=JsonRoute)

_MONTHLY: dict[str, Any] = {
    "title": "First of the month",
    "description": "For the accounts.",
    "body": {"timing": {"frequency": "monthly", "day": 1, "at": "07:00"}, "formats": ["xlsx"]},
}
SpecBody = Annotated[
    dict[str, Any], DocumentedAs(TemplateSpec), Body(openapi_examples=examples(first_of_the_month=_MONTHLY))
]


def _created(view: TemplateView) -> Answer:
    return Answer(201, view, {"ETag": view.etag, "Location": f"/api/v1/schedule-templates/{view.id}"})


@router.get("", openapi_extra=may(Action.TEMPLATE_LIST))
async def list_templates(caller: CallerDep) -> PageView[TemplateView]:
    """List the templates: those that come with Mailroom, then your own and shared ones by title."""
    return await templates.every(caller)


@router.post(
    "",
    status_code=201,
    response_model=TemplateView,
    responses=documented(400, 409, 422),
    openapi_extra=may(Action.TEMPLATE_CREATE),
)
async def create(body: SpecBody, caller: CallerDep, once: OnceDep) -> Response:
    """Keep some fields of a schedule as a template. They are checked when a schedule is made from it."""
    spec = read_as(TemplateSpec, body)
    return await once.perform(lambda remember: templates.create(caller, spec, remember), _created)


@router.get("/{template_id}", responses=documented(404), openapi_extra=may(Action.TEMPLATE_READ))
async def read(template_id: Id, caller: CallerDep, response: Response) -> TemplateView:
    """Get one template."""
    view = await templates.read(caller, template_id)
    response.headers["ETag"] = view.etag
    return view


@router.put("/{template_id}", responses=documented(400, 404, 409, 412, 422), openapi_extra=may(Action.TEMPLATE_CHANGE))
async def replace(
    template_id: Id, body: SpecBody, caller: CallerDep, response: Response, if_match: IfMatch = None
) -> TemplateView:
    """Replace a template. Schedules that were made from it stay as they are."""
    view = await templates.replace(caller, template_id, read_as(TemplateSpec, body), if_match=if_match)
    response.headers["ETag"] = view.etag
    return view


@router.delete(
    "/{template_id}", status_code=204, responses=documented(404, 409, 412), openapi_extra=may(Action.TEMPLATE_DELETE)
)
async def delete(template_id: Id, caller: CallerDep, if_match: IfMatch = None) -> Response:
    """Delete a template. Schedules that were made from it stay as they are."""
    await templates.delete(caller, template_id, if_match=if_match)
    return Response(status_code=204)


@router.get("/{template_id}/shares", responses=documented(404, 409), openapi_extra=may(Action.TEMPLATE_SHARE))
async def read_shares(template_id: Id, caller: CallerDep) -> GrantedTo:
    """Get the users, teams and roles that may use a template besides its owner."""
    return await templates.shares_of(caller, template_id)


@router.put("/{template_id}/shares", responses=documented(400, 404, 409, 422), openapi_extra=may(Action.TEMPLATE_SHARE))
async def share(
    template_id: Id,
    body: Annotated[
        GrantedTo,
        Body(openapi_examples=examples(with_a_team={"teams": ["ext:sales"]}, with_creators={"roles": ["creator"]})),
    ],
    caller: CallerDep,
) -> GrantedTo:
    """Share a template with these users, teams and roles, and nobody else. They can use it, and not change it."""
    return await templates.share(caller, template_id, body)
