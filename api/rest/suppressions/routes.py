"""REST for the addresses that nothing is ever sent to."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Response

from api.actions.suppressions import actions as suppressions
from api.actions.suppressions.views import SuppressionView
from api.actions.view import PageView
from api.http.bodies import examples
from api.http.dependencies import CallerDep, Cursor, Id, Limit
from api.http.idempotency import Answer, OnceDep
from api.http.json_body import JsonRoute
from api.http.permission import may
from api.http.problems import documented
from mailroom.access.permissions import Action
from mailroom.recipients.spec import NewSuppression, SuppressionSettings

router = APIRouter(prefix="/suppressions", tags=["recipients"], route_class=JsonRoute)


@router.get("", responses=documented(422), openapi_extra=may(Action.SUPPRESSION_LIST))
async def list_suppressions(caller: CallerDep, cursor: Cursor = None, limit: Limit = 50) -> PageView[SuppressionView]:
    """List the addresses that nothing is ever sent to, the latest first, with who, when and why."""
    return await suppressions.page(caller, cursor=cursor, limit=limit)


@router.post(
    "", response_model=SuppressionView, responses=documented(400, 409, 422), openapi_extra=may(Action.SUPPRESSION_ADD)
)
async def add(
    body: Annotated[
        NewSuppression,
        Body(
            openapi_examples=examples(
                one_address={"address": "ada@example.com", "reason": "She asked for it by phone."},
                a_whole_domain={"address": "@old.example.com", "reason": "The company was sold."},
            )
        ),
    ],
    caller: CallerDep,
    once: OnceDep,
) -> Response:
    """Never send to an address again, or to a whole domain. Adding it twice answers the entry that stands.

    Schedules that name it stay as they are. It is skipped just before each attempt, and others still get theirs.
    """
    return await once.perform(lambda remember: suppressions.add(caller, body, remember), lambda view: Answer(200, view))


@router.put("/{suppression_id}", responses=documented(400, 404, 422), openapi_extra=may(Action.SUPPRESSION_CHANGE))
async def replace(
    suppression_id: Id,
    body: Annotated[
        SuppressionSettings, Body(openapi_examples=examples(reason={"reason": "She asked for it in writing."}))
    ],
    caller: CallerDep,
) -> SuppressionView:
    """Write anew why nothing is sent to an address."""
    return await suppressions.replace(caller, suppression_id, body)


@router.delete(
    "/{suppression_id}", status_code=204, responses=documented(404), openapi_extra=may(Action.SUPPRESSION_REMOVE)
)
async def remove(suppression_id: Id, caller: CallerDep) -> Response:
    """Let an address get something again. What was skipped meanwhile is not sent later."""
    await suppressions.remove(caller, suppression_id)
    return Response(status_code=204)
