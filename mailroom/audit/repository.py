"""The audit trail is written in the transaction of the change that it tells of, and is only added to.

An entry takes no lock that others wait for: it gets its place in the chain later, by `mailroom.audit.sealing.sealer`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access.reach import schedule_ids
from mailroom.access.viewer import Viewer
from mailroom.audit.events import Event
from mailroom.context import Context, Origin
from mailroom.errors import Forbidden
from mailroom.storage.database import Database
from mailroom.storage.model.audit import AuditSeal
from mailroom.storage.paging import Page, page
from mailroom.storage.tables import AuditEvent, Execution

MAILROOM = "mailroom"
"""Who acts where no person does."""
SYNC = "sync"
"""Who acts where folders of reports are stored."""
NOWHERE = Origin()
"""The origin of what Mailroom does by itself."""
_BATCH = 500
_LONGEST_ID = 100


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


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """A choice of entries: those that match every given condition; `since` is included, `until` is not.

    `address` is where the request came from, by which only admins may choose.
    """

    actor: str | None = None
    action: str | None = None
    entity_type: str | None = None
    entity_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    address: str | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return what a row has to fulfil. The actor is also whom somebody acted for."""
        found: list[ColumnElement[bool]] = []
        if self.actor:
            found.append(or_(AuditEvent.actor == self.actor, AuditEvent.on_behalf_of == self.actor))
        if self.action:
            found.append(AuditEvent.action == self.action)
        if self.entity_type:
            found.append(AuditEvent.entity_type == self.entity_type)
        if self.entity_id:
            found.append(AuditEvent.entity_id == self.entity_id)
        if self.since:
            found.append(AuditEvent.at >= self.since)
        if self.until:
            found.append(AuditEvent.at < self.until)
        if self.address:
            found.append(AuditEvent.address == self.address)
        return found

    def require(self, viewer: Viewer) -> None:
        """Refuse a choice by what the viewer may not see.

        Raises:
            Forbidden: the viewer is no admin, and where others were is not shown to the viewer.
        """
        if self.address and not viewer.sees_all:
            message = "Only an admin sees from which address something was done."
            raise Forbidden(message, remedy="Leave the address out.")


def record(
    session: AsyncSession,
    event: Event,
    *,
    at: datetime,
    actor: str = MAILROOM,
    on_behalf_of: str | None = None,
    origin: Origin = NOWHERE,
) -> None:
    """Store an event; `actor` is who caused it, for `on_behalf_of` where it was for somebody else."""
    session.add(
        AuditEvent(
            at=at,
            actor=actor,
            on_behalf_of=on_behalf_of,
            action=event.action,
            entity_type=event.entity_type,
            entity_id=event.entity_id[:_LONGEST_ID],
            detail=event.detail(),
            address=origin.address,
            login=origin.login,
        )
    )


def record_by(session: AsyncSession, event: Event, context: Context) -> None:
    """Store what the person who asks has done."""
    behalf = context.user.email if context.acted_by else None
    record(session, event, at=context.now, actor=context.actor.email, on_behalf_of=behalf, origin=context.origin)


async def latest(session: AsyncSession, *, entity_type: str, entity_id: str, action: str) -> AuditEvent | None:
    """Return the last event of an action on a thing, or None."""
    query = select(AuditEvent).where(
        AuditEvent.entity_type == entity_type, AuditEvent.entity_id == entity_id, AuditEvent.action == action
    )
    return (await session.scalars(query.order_by(AuditEvent.at.desc()).limit(1))).one_or_none()


async def list_page(
    session: AsyncSession, *, viewer: Viewer, wanted: AuditFilter, cursor: str | None = None, limit: int = 50
) -> Page[AuditEvent]:
    """Return a page of the events that match, newest first.

    Raises:
        Forbidden: see `AuditFilter.require`.
    """
    wanted.require(viewer)
    query = select(AuditEvent).where(visible_to(viewer), *wanted.conditions())
    return await page(session, query, AuditEvent.at, AuditEvent.id, cursor=cursor, limit=limit, descending=True)


async def export(
    database: Database, *, viewer: Viewer, wanted: AuditFilter
) -> AsyncIterator[Sequence[tuple[AuditEvent, AuditSeal | None]]]:
    """Yield the events that match with their seals, oldest first, some at a time.

    Each batch is a transaction of its own: a slow reader keeps nothing open, and may see what was added meanwhile.
    """
    after: tuple[datetime, str] | None = None
    while True:
        query = _exported(viewer, wanted)
        if after is not None:
            at, last = after
            query = query.where(or_(AuditEvent.at > at, and_(AuditEvent.at == at, AuditEvent.id > last)))
        async with database.session() as session:
            rows = [(row[0], row[1]) for row in (await session.execute(query)).all()]
        if rows:
            yield rows
        if len(rows) < _BATCH:
            return
        after = (rows[-1][0].at, rows[-1][0].id)


def _exported(viewer: Viewer, wanted: AuditFilter) -> Select[tuple[AuditEvent, AuditSeal]]:
    query = select(AuditEvent, AuditSeal).outerjoin(AuditSeal, AuditSeal.event_id == AuditEvent.id)
    query = query.where(visible_to(viewer), *wanted.conditions())
    return query.order_by(AuditEvent.at, AuditEvent.id).limit(_BATCH)
