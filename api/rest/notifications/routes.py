"""REST for notifications: list them, mark them as read, and mute schedules."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Query, Response

from api.actions.notifications import actions as notifications
from api.actions.notifications import mutes
from api.actions.notifications.actions import ReadRequest
from api.actions.notifications.views import MarkedView, MuteView, NotificationView
from api.actions.view import PageView
from api.http.bodies import examples
from api.http.dependencies import CallerDep, Cursor, Id, Limit
from api.http.idempotency import Answer, OnceDep
from api.http.json_body import JsonRoute
from api.http.permission import may
from api.http.problems import documented
from mailroom.access.permissions import Action
from mailroom.notifications.kinds import Kind
from mailroom.notifications.mutes import MuteRequest

router = APIRouter(prefix="/notifications", tags=["notifications"], route_class=JsonRoute)


@router.get("", tags=["audit"], responses=documented(422), openapi_extra=may(Action.NOTIFICATION_LIST))
async def list_notifications(
    caller: CallerDep,
    cursor: Cursor = None,
    limit: Limit = 50,
    unread: Annotated[bool, Query(description="Only those that nobody has marked as read.")] = False,
    own: Annotated[bool, Query(description="Only those to you, which the bell counts.")] = False,
    kind: Annotated[list[Kind] | None, Query(max_length=len(Kind), description="Only these kinds.")] = None,
    schedule_id: Annotated[str | None, Query(max_length=36, description="Only those about this schedule.")] = None,
) -> PageView[NotificationView]:
    """List your notifications, and those about schedules that you see, newest first."""
    return await notifications.page(
        caller,
        unread=unread,
        own=own,
        kinds=[one.value for one in kind or ()],
        schedule_id=schedule_id,
        cursor=cursor,
        limit=limit,
    )


@router.post(
    "/read",
    response_model=MarkedView,
    responses=documented(400, 409, 422),
    openapi_extra=may(Action.NOTIFICATION_MARK_ALL),
)
async def mark_all_read(
    body: Annotated[
        ReadRequest,
        Body(openapi_examples=examples(all_of_them={}, what_was_seen={"until": "2026-11-30T09:00:00Z"})),
    ],
    caller: CallerDep,
    once: OnceDep,
) -> Response:
    """Mark your notifications as read: all of them, those up to a time, or those about one schedule."""
    return await once.perform(
        lambda remember: notifications.mark_all(caller, body, remember), lambda view: Answer(200, view)
    )


@router.get("/mutes", openapi_extra=may(Action.NOTIFICATION_MUTES))
async def list_mutes(caller: CallerDep) -> PageView[MuteView]:
    """List the schedules that you have muted, by name."""
    return await mutes.page(caller)


@router.post(
    "/mutes",
    status_code=201,
    response_model=MuteView,
    responses=documented(400, 404, 409, 422),
    openapi_extra=may(Action.NOTIFICATION_MUTE),
)
async def mute(
    body: Annotated[
        MuteRequest,
        Body(
            openapi_examples=examples(
                for_good={"schedule_id": "4f0d6a2e-7f3b-4f8e-9d21-0a8c5c1b6e77"},
                for_a_week={"schedule_id": "4f0d6a2e-7f3b-4f8e-9d21-0a8c5c1b6e77", "until": "2026-12-07T09:00:00Z"},
            )
        ),
    ],
    caller: CallerDep,
    once: OnceDep,
) -> Response:
    """Be silent about a schedule for you alone. What happens to it is kept as read; others are told as before.

    Muting it again replaces how long.
    """
    return await once.perform(lambda remember: mutes.mute(caller, body, remember), lambda view: Answer(201, view))


@router.delete("/mutes/{muted_id}", status_code=204, openapi_extra=may(Action.NOTIFICATION_MUTE))
async def unmute(muted_id: Id, caller: CallerDep) -> Response:
    """Be told about a schedule again; one that is not muted stays so."""
    await mutes.unmute(caller, muted_id)
    return Response(status_code=204)


@router.post(
    "/{notification_id}/read",
    response_model=NotificationView,
    responses=documented(404, 409),
    openapi_extra=may(Action.NOTIFICATION_MARK),
)
async def mark_read(notification_id: Id, caller: CallerDep, once: OnceDep) -> Response:
    """Mark one of your notifications as read. Doing it again changes nothing."""
    return await once.perform(
        lambda remember: notifications.mark(caller, notification_id, remember, read=True),
        lambda view: Answer(200, view),
    )


@router.post(
    "/{notification_id}/unread",
    response_model=NotificationView,
    responses=documented(404, 409),
    openapi_extra=may(Action.NOTIFICATION_MARK),
)
async def mark_unread(notification_id: Id, caller: CallerDep, once: OnceDep) -> Response:
    """Mark one of your notifications as not read yet. Doing it again changes nothing."""
    return await once.perform(
        lambda remember: notifications.mark(caller, notification_id, remember, read=False),
        lambda view: Answer(200, view),
    )
