"""Notifications of the caller."""

from __future__ import annotations

from fastapi import APIRouter

from api.actions.notifications.views import NotificationView
from api.actions.view import PageView
from api.http.dependencies import CallerDep, Cursor, Limit, ServicesDep
from api.http.problems import documented
from mailroom.notifications import repository as notifications

router = APIRouter(tags=["audit"])


@router.get("/notifications", responses=documented(422))
async def list_notifications(
    context: CallerDep, services: ServicesDep, cursor: Cursor = None, limit: Limit = 50, unread: bool = False
) -> PageView[NotificationView]:
    """What the caller should know, newest first."""
    async with services.database.session() as session:
        page = await notifications.list_page(
            session, user_id=context.user.id, cursor=cursor, limit=limit, unread=unread
        )
    return PageView(items=[NotificationView.model_validate(row) for row in page.items], next_cursor=page.next_cursor)
