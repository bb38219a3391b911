"""REST for what the product is told of."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from api.actions.product_events import actions as product_events
from api.actions.product_events.views import ProductEventView
from api.actions.view import PageView
from api.http.dependencies import CallerDep, Cursor, Id, Limit
from api.http.json_body import JsonRoute
from api.http.permission import may
from api.http.problems import documented
from mailroom.access.permissions import Action
from mailroom.product_events.spec import EventState
from mailroom.setting_groups.product_events import ProductEventType

router = APIRouter(prefix="/product-events", tags=["product events"], route_class=JsonRoute)


@router.get("", responses=documented(422), openapi_extra=may(Action.PRODUCT_EVENT_LIST))
async def list_events(
    caller: CallerDep,
    state: EventState | None = None,
    type_: Annotated[ProductEventType | None, Query(alias="type")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> PageView[ProductEventView]:
    """List the events that the product is told of, the latest first, with what came of them."""
    return await product_events.page(caller, state=state, type_=type_, cursor=cursor, limit=limit)


@router.post("/{event_id}/retry", responses=documented(404, 409), openapi_extra=may(Action.PRODUCT_EVENT_RETRY))
async def retry(event_id: Id, caller: CallerDep) -> ProductEventView:
    """Try an event at once, and again for a day; its id stays the same. One that the product has taken answers 409."""
    return await product_events.retry(caller, event_id)
