"""REST for saved views of the list of schedules."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Response

from api.actions.schedules.home import saved
from api.actions.schedules.home.saved import SavedViewSettings, SavedViewView
from api.actions.view import PageView
from api.http.bodies import DocumentedAs, examples
from api.http.dependencies import CallerDep, Id
from api.http.idempotency import Answer, OnceDep
from api.http.json_body import JsonRoute
from api.http.permission import may
from api.http.problems import documented
from api.http.reading import read as read_as
from mailroom.access.permissions import Action

router = APIRouter(prefix="/schedules/views", tags=["schedules"], route_class=JsonRoute)


@router.get("", openapi_extra=may(Action.VIEW_LIST))
async def list_views(caller: CallerDep) -> PageView[SavedViewView]:
    """List your saved views of the list of schedules."""
    return await saved.views(caller)


@router.post(
    "",
    status_code=201,
    response_model=SavedViewView,
    responses=documented(400, 409, 422),
    openapi_extra=may(Action.VIEW_SAVE),
)
async def save_view(
    body: Annotated[
        dict[str, Any],
        DocumentedAs(SavedViewSettings),
        Body(openapi_examples=examples(failing_mails={"name": "Failing mails", "query": "view=failing&to=email"})),
    ],
    caller: CallerDep,
    once: OnceDep,
) -> Response:
    """Save a view of the list of schedules. One of the same name gets the new query."""
    wanted = read_as(SavedViewSettings, body)
    return await once.perform(lambda remember: saved.save(caller, wanted, remember), lambda view: Answer(201, view))


@router.delete("/{view_id}", status_code=204, responses=documented(404), openapi_extra=may(Action.VIEW_DELETE))
async def delete_view(view_id: Id, caller: CallerDep) -> Response:
    """Delete one of your saved views."""
    await saved.delete(caller, view_id)
    return Response(status_code=204)
