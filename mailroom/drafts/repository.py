"""Drafts in the database: the owner sees a draft, and admins see all."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, delete, func, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access.permissions import Action
from mailroom.access.viewer import Viewer
from mailroom.errors import NotFound
from mailroom.storage import locks
from mailroom.storage.model.drafts import ScheduleDraft
from mailroom.storage.paging import Page, page


def visible_to(viewer: Viewer) -> ColumnElement[bool]:
    """Return the condition of the drafts that the viewer may see: own ones; an admin sees all."""
    return true() if viewer.sees_all else ScheduleDraft.user_id == viewer.user_id


async def get(
    session: AsyncSession,
    draft_id: str,
    *,
    viewer: Viewer,
    doing: Action = Action.DRAFT_READ,
    lock: bool = False,
) -> ScheduleDraft:
    """Return the draft; `lock` keeps others from changing it until the transaction ends.

    Raises:
        NotFound: there is none of that id, for this viewer.
        Forbidden: the viewer may see it and not do this.
    """
    if lock:
        await locks.hold(session, ScheduleDraft, draft_id)
    query = select(ScheduleDraft).where(ScheduleDraft.id == draft_id, visible_to(viewer))
    found = (await session.scalars(query.execution_options(populate_existing=True))).one_or_none()
    if found is None:
        raise NotFound(
            f"There is no draft {draft_id[:60]}.", remedy="Drafts are kept for some weeks; begin a new schedule."
        )
    viewer.require(doing, viewer.relation_to(found.user_id))
    return found


async def edit_of(session: AsyncSession, schedule_id: str, etag: str, *, user_id: str) -> ScheduleDraft | None:
    """Return the last draft by which a user changes a schedule from this version on, or None."""
    query = select(ScheduleDraft).where(
        ScheduleDraft.user_id == user_id,
        ScheduleDraft.schedule_id == schedule_id,
        ScheduleDraft.etag == etag,
        ScheduleDraft.activated_as.is_(None),
    )
    return (await session.scalars(query.order_by(ScheduleDraft.updated_at.desc()).limit(1))).one_or_none()


async def list_page(
    session: AsyncSession, *, viewer: Viewer, cursor: str | None = None, limit: int = 50, user_id: str | None = None
) -> Page[ScheduleDraft]:
    """Return a page of the drafts that have not become schedules, the last changed first."""
    query = select(ScheduleDraft).where(visible_to(viewer), ScheduleDraft.activated_as.is_(None))
    if user_id:
        query = query.where(ScheduleDraft.user_id == user_id)
    return await page(
        session, query, ScheduleDraft.updated_at, ScheduleDraft.id, cursor=cursor, limit=limit, descending=True
    )


async def count(session: AsyncSession, *, viewer: Viewer) -> int:
    """Count the drafts that have not become schedules."""
    query = select(func.count()).select_from(ScheduleDraft)
    return (await session.execute(query.where(visible_to(viewer), ScheduleDraft.activated_as.is_(None)))).scalar_one()


async def forget(session: AsyncSession, *, before: datetime) -> None:
    """Remove the drafts that nobody has changed since this moment."""
    await session.execute(delete(ScheduleDraft).where(ScheduleDraft.updated_at < before))
