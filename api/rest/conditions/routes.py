"""REST for conditions: would the last runs have been sent?"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body

from api.actions.conditions.actions import look_back
from api.actions.conditions.views import ConditionRequest, LookBackView
from api.http.bodies import examples
from api.http.dependencies import CallerDep, Id
from api.http.json_body import JsonRoute
from api.http.permission import may
from api.http.problems import documented
from mailroom.access.permissions import Action

router = APIRouter(tags=["schedules"], route_class=JsonRoute)

_EXAMPLES = examples(
    its_own={},
    only_changes={"condition": {"send_if": "changed"}},
    long_delays={
        "condition": {
            "send_if": "threshold",
            "threshold": {"query": "flights", "column": "delay", "op": ">=", "value": 30, "rows": "any"},
        }
    },
)


@router.post(
    "/schedules/{schedule_id}/condition/preview",
    responses=documented(400, 404, 422),
    openapi_extra=may(Action.SCHEDULE_READ),
)
async def preview(
    schedule_id: Id, caller: CallerDep, body: Annotated[ConditionRequest, Body(openapi_examples=_EXAMPLES)]
) -> LookBackView:
    """Say which of the last ten runs would have been sent under a condition, and why the others would not.

    It is decided from what is kept of the data of each run: rows, a digest, the least and the greatest numbers and
    dates of its first columns. Where that does not say, the answer is null. Nothing is stored.
    """
    return await look_back(caller, schedule_id, body.condition)
