"""REST for the people who have unsubscribed from a schedule by the link in a mail."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Response

from api.actions.unsubscribed import actions as unsubscribed
from api.actions.unsubscribed.views import UnsubscribedView
from api.actions.view import PageView
from api.http.dependencies import CallerDep, Cursor, Id, Limit
from api.http.json_body import JsonRoute
from api.http.permission import may
from api.http.problems import documented
from mailroom.access.permissions import Action

router = APIRouter(prefix="/schedules/{schedule_id}/unsubscribed", tags=["recipients"], route_class=JsonRoute)
Address = Annotated[str, Path(max_length=320, description="A mail address, in any case.", examples=["ada@example.com"])]


@router.get("", responses=documented(404, 422), openapi_extra=may(Action.SCHEDULE_READ))
async def list_unsubscribed(
    schedule_id: Id, caller: CallerDep, cursor: Cursor = None, limit: Limit = 50
) -> PageView[UnsubscribedView]:
    """List the people who have unsubscribed from a schedule, the latest first.

    The schedule still names them, and every run leaves them out. Who wants nothing at all is on the list of
    suppressions instead.
    """
    return await unsubscribed.page(caller, schedule_id, cursor=cursor, limit=limit)


@router.delete("/{address}", status_code=204, responses=documented(404, 422), openapi_extra=may(Action.SCHEDULE_CHANGE))
async def subscribe_again(schedule_id: Id, address: Address, caller: CallerDep) -> Response:
    """Let a person who has unsubscribed get the mails of a schedule again; only where the person asks for it.

    What was left out meanwhile is not sent later. It is audited, and doing it again changes nothing.
    """
    await unsubscribed.remove(caller, schedule_id, address)
    return Response(status_code=204)
