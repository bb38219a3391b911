"""REST for the limits of users."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from api.actions.limits import actions as limits
from api.actions.limits.views import LimitsView
from api.http.dependencies import CallerDep
from api.http.json_body import JsonRoute
from api.http.permission import may
from api.http.problems import documented
from api.rest.limits.examples import LIMITS
from mailroom.access.permissions import Action

router = APIRouter(tags=["limits"], route_class=JsonRoute)


@router.get(
    "/limits",
    responses={200: {"content": {"application/json": {"example": LIMITS}}}, **documented(404, 422)},
    openapi_extra=may(Action.LIMIT_LIST),
)
async def read(
    caller: CallerDep,
    user: Annotated[
        str | None,
        Query(max_length=240, description="Another user, for an admin: the id, or `ext:` and the external id."),
    ] = None,
) -> LimitsView:
    """Show your limits, how much of them is used, and which schedules are above one that was lowered."""
    return await limits.read(caller, user)
