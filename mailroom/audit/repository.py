"""The audit trail: written in the transaction of the change it tells of."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access.viewer import Viewer
from mailroom.storage.paging import Page, page
from mailroom.storage.tables import AuditEvent


def visible_to(_viewer: Viewer) -> ColumnElement[bool]:
    """Return the condition of the events that the viewer may see: all of them, as long as there is one owner."""
    return true()


def record(
    session: AsyncSession,
    *,
    at: datetime,
    actor: str,
    action: str,
    entity_type: str,
    entity_id: str,
    detail: dict[str, Any] | None = None,
) -> None:
    """Add an event. `action` is a verb such as `created`; `detail` is JSON-ready and holds no secret."""
    session.add(
        AuditEvent(at=at, actor=actor, action=action, entity_type=entity_type, entity_id=entity_id, detail=detail or {})
    )


async def latest(session: AsyncSession, *, entity_type: str, entity_id: str, action: str) -> AuditEvent | None:
    """The last event of an action on a thing, or None."""
    query = select(AuditEvent).where(
        AuditEvent.entity_type == entity_type, AuditEvent.entity_id == entity_id, AuditEvent.action == action
    )
    return (await session.scalars(query.order_by(AuditEvent.at.desc()).limit(1))).one_or_none()


async def list_page(
    session: AsyncSession,
    *,
    viewer: Viewer,
    cursor: str | None = None,
    limit: int = 50,
    entity_type: str | None = None,
    entity_id: str | None = None,
) -> Page[AuditEvent]:
    """Events, newest first."""
    query = select(AuditEvent).where(visible_to(viewer))
    if entity_type:
        query = query.where(AuditEvent.entity_type == entity_type)
    if entity_id:
        query = query.where(AuditEvent.entity_id == entity_id)
    return await page(session, query, AuditEvent.at, AuditEvent.id, cursor=cursor, limit=limit, descending=True)
