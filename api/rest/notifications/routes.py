"""REST for notifications."""

from __future__ import annotations

from fastapi import APIRouter

from api.actions.notifications import actions as notifications
from api.actions.notifications.views import NotificationView
from api.actions.view import PageView
from api.http.dependencies import CallerDep, Cursor, Limit
from api.http.permission import may
from api.http.problems import documented
from mailroom.access.permissions import Action

router = APIRouter(tags=["audit"])


@router.get("/notifications", responses=documented(422), openapi_extra=may(Action.NOTIFICATION_LIST))
async def list_notifications(
    caller: CallerDep, cursor: Cursor = None, limit: Limit = 50, unread: bool = False
) -> PageView[NotificationView]:
    """List your notifications, and those about schedules that you see, newest first."""
    return await notifications.page(caller, unread=unread, cursor=cursor, limit=limit)
