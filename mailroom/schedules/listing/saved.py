"""Keep the views of the list of schedules that users have saved. Everybody sees only their own."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access.permissions import Action, Relation
from mailroom.access.viewer import Viewer
from mailroom.context import Context
from mailroom.errors import Conflict, NotFound
from mailroom.storage.database import new_id
from mailroom.storage.inserting import insert_into
from mailroom.storage.model.schedules.lists import SavedView

MOST = 30


def visible_to(viewer: Viewer) -> ColumnElement[bool]:
    """Return the condition of the views that the viewer may see: the viewer's own."""
    return SavedView.user_id == viewer.user_id


async def of_viewer(session: AsyncSession, *, viewer: Viewer) -> Sequence[SavedView]:
    """Return the viewer's views, by name."""
    query = select(SavedView).where(visible_to(viewer)).order_by(SavedView.name)
    return (await session.scalars(query)).all()


async def save(session: AsyncSession, name: str, query: str, context: Context) -> SavedView:
    """Save a view; one of the same name gets the new query.

    Raises:
        Conflict: the user has as many views as a user may.
    """
    viewer = context.viewer
    found = (await session.scalars(select(SavedView).where(visible_to(viewer), SavedView.name == name))).one_or_none()
    if found is not None:
        found.query = query
        return found
    there = await session.scalar(select(func.count()).select_from(SavedView).where(visible_to(viewer)))
    if there is not None and there >= MOST:
        raise Conflict(f"There are {MOST} saved views already.", remedy="Delete one of them first.")
    values = {"id": new_id(), "user_id": viewer.user_id, "name": name, "query": query, "created_at": context.now}
    insert = insert_into(session, SavedView).values(**values)
    # Somebody else may have saved one of this name for the same user a moment ago: the last one stands.
    written = insert.on_conflict_do_update(index_elements=["user_id", "name"], set_={"query": query})
    return (await session.scalars(written.returning(SavedView))).one()


async def remove(session: AsyncSession, view_id: str, *, viewer: Viewer) -> SavedView:
    """Remove a view, and return what it was.

    Raises:
        NotFound: there is none of that id, for this viewer.
    """
    viewer.require(Action.VIEW_DELETE, Relation.OWN)
    query = delete(SavedView).where(SavedView.id == view_id, visible_to(viewer)).returning(SavedView)
    found = (await session.scalars(query)).one_or_none()
    if found is None:
        message = f"There is no saved view {view_id[:60]}."
        raise NotFound(message, remedy="GET /api/v1/schedules/views lists yours.", code="no_view")
    return found
