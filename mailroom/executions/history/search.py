"""Search executions by what is known of them and of their deliveries; pages stay quick however long the history is."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, TextClause, exists, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access.viewer import Viewer
from mailroom.executions.history.course import Course, went
from mailroom.executions.repository import visible_to
from mailroom.states import ExecutionKind, ExecutionState
from mailroom.storage.paging import Page, beyond, encode_cursor, page
from mailroom.storage.tables import Delivery, Execution

MOST = 10_000
"""So many executions are counted at most, and so many are looked through for their deliveries by one page."""


ASKED_FOR = text("schedule_executions.kind <> 'scheduled'")
"""What somebody asked for is little beside what was due. Its index is used for just these words."""


@dataclass(frozen=True, slots=True)
class ExecutionFilter:
    """A choice of executions: those that match every given condition.

    Attributes:
        states, kinds: any of these; empty for all.
        schedule_ids: of any of these schedules; None for all.
        due_from, due_to: the first is included, the last is not.
        error_id: of the failure that ended it, or a try of it.
        channel, connection: of one of its deliveries.
        recipient: of one of its deliveries: an address or a path, however it is capitalised.
        course: how it went.
    """

    states: Collection[ExecutionState] = ()
    kinds: Collection[ExecutionKind] = ()
    schedule_id: str | None = None
    schedule_ids: Collection[str] | None = None
    due_from: datetime | None = None
    due_to: datetime | None = None
    error_id: str | None = None
    channel: str | None = None
    connection: str | None = None
    recipient: str | None = None
    course: Course | None = None

    def of_execution(self) -> list[ColumnElement[bool] | TextClause]:
        """Return what an execution itself has to fulfil."""
        found: list[ColumnElement[bool] | TextClause] = []
        if self.states:
            found.append(Execution.status.in_(self.states))
        if self.kinds:
            found.append(Execution.kind.in_(self.kinds))
            if ExecutionKind.SCHEDULED not in self.kinds:
                found.append(ASKED_FOR)
        if self.schedule_id:
            found.append(Execution.schedule_id == self.schedule_id)
        if self.schedule_ids is not None:
            found.append(Execution.schedule_id.in_(self.schedule_ids))
        if self.due_from:
            found.append(Execution.due_at >= self.due_from)
        if self.due_to:
            found.append(Execution.due_at < self.due_to)
        if self.error_id:
            found.append(Execution.error_id == self.error_id)
        return found

    def of_deliveries(self) -> list[ColumnElement[bool]]:
        """Return what one of its deliveries has to fulfil; empty where nothing is asked of them."""
        found: list[ColumnElement[bool]] = []
        if self.channel:
            found.append(Delivery.channel == self.channel)
        if self.connection:
            found.append(Delivery.connection == self.connection)
        return found

    def of_recipient(self) -> list[ColumnElement[bool]]:
        """Return what a delivery to the recipient has to fulfil; empty where none is named."""
        return [func.lower(Delivery.recipient) == self.recipient.lower()] if self.recipient else []


async def search(
    session: AsyncSession, *, viewer: Viewer, wanted: ExecutionFilter, cursor: str | None, limit: int
) -> Page[Execution]:
    """Return a page of the executions that match, the latest due time first.

    Where a channel, a connection or a course is asked for, a page looks through `MOST` executions: it may have fewer
    rows than `limit`, and go on all the same. Of a recipient, the latest `MOST` deliveries are looked through.
    """
    query = select(Execution).where(visible_to(viewer), *wanted.of_execution())
    if wanted.recipient:
        query = query.where(Execution.id.in_(_reached(wanted)), *_of_course(wanted))
    if wanted.recipient or not (wanted.of_deliveries() or wanted.course):
        return await page(session, query, Execution.due_at, Execution.id, cursor=cursor, limit=limit, descending=True)
    window = _window(viewer, wanted, cursor)
    looked_at = window.subquery()
    hits = select(looked_at.c.id).where(*_matching(wanted, looked_at.c.id))
    hits = hits.order_by(looked_at.c.due_at.desc(), looked_at.c.id.desc())
    ids = list(await session.scalars(hits.limit(limit + 1)))
    found = await page(
        session,
        select(Execution).where(Execution.id.in_(ids)),
        Execution.due_at,
        Execution.id,
        cursor=None,
        limit=limit,
        descending=True,
    )
    if found.next_cursor is not None:
        return found
    last = (await session.execute(window.offset(MOST - 1).limit(1))).one_or_none()
    return found if last is None else Page(found.items, encode_cursor(last.due_at, last.id))


def _window(viewer: Viewer, wanted: ExecutionFilter, cursor: str | None) -> Select[tuple[str, datetime]]:
    """Return the executions that are looked through, the latest due time first."""
    query = select(Execution.id, Execution.due_at).where(visible_to(viewer), *wanted.of_execution())
    if cursor:
        query = query.where(beyond(Execution.due_at, Execution.id, cursor, descending=True))
    return query.order_by(Execution.due_at.desc(), Execution.id.desc()).limit(MOST)


def _of_course(wanted: ExecutionFilter) -> list[ColumnElement[bool]]:
    return [went(wanted.course)] if wanted.course else []


def _matching(wanted: ExecutionFilter, execution_id: ColumnElement[str]) -> list[ColumnElement[bool]]:
    """Return what has to be true of an execution that is looked through: of its deliveries, and of its course."""
    found: list[ColumnElement[bool]] = []
    if of_deliveries := wanted.of_deliveries():
        found.append(exists().where(Delivery.execution_id == execution_id, *of_deliveries))
    if wanted.course:
        found.append(exists().where(Execution.id == execution_id, went(wanted.course)))
    return found


def _reached(wanted: ExecutionFilter) -> Select[tuple[str]]:
    """Return the executions of the latest deliveries to the recipient that match."""
    query = select(Delivery.execution_id).where(*wanted.of_recipient(), *wanted.of_deliveries())
    latest = query.order_by(Delivery.created_at.desc(), Delivery.id.desc()).limit(MOST).subquery()
    return select(latest.c.execution_id)


async def count(session: AsyncSession, *, viewer: Viewer, wanted: ExecutionFilter) -> int | None:
    """Count the executions that match; None where they are more than `MOST`, or more would have to be looked at."""
    query = select(Execution.id).where(visible_to(viewer), *wanted.of_execution())
    if wanted.recipient:
        query = query.where(Execution.id.in_(_reached(wanted)), *_of_course(wanted))
    window, looked_at = query.limit(MOST + 1).subquery(), func.count()
    matching = [] if wanted.recipient else _matching(wanted, window.c.id)
    columns = [looked_at, looked_at.filter(*matching) if matching else looked_at]
    row = (await session.execute(select(*columns).select_from(window))).one()
    return None if row[0] > MOST else int(row[1])
