"""The audit trail is written in the transaction of the change that it tells of."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, and_, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access.reach import schedule_ids
from mailroom.access.viewer import Viewer
from mailroom.audit.events import Event
from mailroom.context import Context
from mailroom.storage.paging import Page, page
from mailroom.storage.tables import AuditEvent, Execution

MAILROOM = "mailroom"
"""Who acts where no person does."""


def visible_to(viewer: Viewer) -> ColumnElement[bool]:
    """Return the condition of the events that the viewer may see: those of the schedules that the viewer sees, and of
    their executions.
    """
    if viewer.sees_all:
        return true()
    seen = schedule_ids(viewer)
    of_execution = AuditEvent.entity_id.in_(select(Execution.id).where(Execution.schedule_id.in_(seen)))
    return or_(
        and_(AuditEvent.entity_type == "schedule", AuditEvent.entity_id.in_(seen)),
        and_(AuditEvent.entity_type == "execution", of_execution),
    )


def record(
    session: AsyncSession, event: Event, *, at: datetime, actor: str = MAILROOM, on_behalf_of: str | None = None
) -> None:
    """Store an event; `actor` is who caused it, for `on_behalf_of` where it was for somebody else."""
    session.add(
        AuditEvent(
            at=at,
            actor=actor,
            on_behalf_of=on_behalf_of,
            action=event.action,
            entity_type=event.entity_type,
            entity_id=event.entity_id,
            detail=event.detail(),
        )
    )


def record_by(session: AsyncSession, event: Event, context: Context) -> None:
    """Store what the person who asks has done."""
    if context.acted_by is None:
        record(session, event, at=context.now, actor=context.user.email)
    else:
        record(session, event, at=context.now, actor=context.acted_by.email, on_behalf_of=context.user.email)


async def latest(session: AsyncSession, *, entity_type: str, entity_id: str, action: str) -> AuditEvent | None:
    """Return the last event of an action on a thing, or None."""
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
    """Return a page of events, newest first."""
    query = select(AuditEvent).where(visible_to(viewer))
    if entity_type:
        query = query.where(AuditEvent.entity_type == entity_type)
    if entity_id:
        query = query.where(AuditEvent.entity_id == entity_id)
    return await page(session, query, AuditEvent.at, AuditEvent.id, cursor=cursor, limit=limit, descending=True)
