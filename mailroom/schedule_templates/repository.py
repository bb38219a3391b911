"""Templates in the database: the owner sees a template, and those with whom it is shared; admins see all."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access.permissions import Action
from mailroom.access.viewer import Viewer
from mailroom.errors import NotFound
from mailroom.storage import locks
from mailroom.storage.model.drafts import ScheduleTemplate, TemplateShare

MOST = 500
"""Templates that one list shows."""


def visible_to(viewer: Viewer) -> ColumnElement[bool]:
    """Return the condition of the templates that the viewer may see: own and shared ones; an admin sees all."""
    if viewer.sees_all:
        return true()
    shared = select(TemplateShare.template_id).where(TemplateShare.subject.in_(viewer.subjects()))
    return or_(ScheduleTemplate.user_id == viewer.user_id, ScheduleTemplate.id.in_(shared))


async def every(session: AsyncSession, *, viewer: Viewer) -> Sequence[ScheduleTemplate]:
    """Return the templates by title."""
    query = select(ScheduleTemplate).where(visible_to(viewer))
    return (await session.scalars(query.order_by(ScheduleTemplate.title, ScheduleTemplate.id).limit(MOST))).all()


async def get(
    session: AsyncSession,
    template_id: str,
    *,
    viewer: Viewer,
    doing: Action = Action.TEMPLATE_READ,
    lock: bool = False,
) -> ScheduleTemplate:
    """Return the template; `lock` keeps others from changing it until the transaction ends.

    Raises:
        NotFound: there is none of that id, for this viewer.
        Forbidden: the viewer may see it and not do this.
    """
    if lock:
        await locks.hold(session, ScheduleTemplate, template_id)
    query = select(ScheduleTemplate).where(ScheduleTemplate.id == template_id, visible_to(viewer))
    found = (await session.scalars(query.execution_options(populate_existing=True))).one_or_none()
    if found is None:
        remedy = "Choose one of the list of templates."
        raise NotFound(f"There is no template '{template_id[:60]}'.", remedy=remedy)
    viewer.require(doing, viewer.relation_to(found.user_id))
    return found
