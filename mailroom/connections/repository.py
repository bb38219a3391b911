"""Connections in the database: names and kinds; the secrets are in Prefect's blocks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, false, select, true, update
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access.permissions import Action, Relation
from mailroom.access.reach import connection_names
from mailroom.access.viewer import Viewer
from mailroom.errors import NotFound
from mailroom.storage.inserting import insert_into
from mailroom.storage.tables import Connection


def visible_to(viewer: Viewer) -> ColumnElement[bool]:
    """Return the condition of the connections that the viewer may see: those that the viewer may use."""
    if viewer.sees_all:
        return true()
    if not viewer.may(Action.CONNECTION_USE, Relation.SHARED):
        return false()
    return Connection.name.in_(connection_names(viewer))


async def every(session: AsyncSession, *, viewer: Viewer) -> Sequence[Connection]:
    """Return every connection, ordered by name."""
    return (await session.scalars(select(Connection).where(visible_to(viewer)).order_by(Connection.name))).all()


async def get(session: AsyncSession, name: str, *, viewer: Viewer, doing: Action = Action.CONNECTION_USE) -> Connection:
    """Return the connection.

    Args:
        doing: what the viewer is about to do with it.

    Raises:
        NotFound: there is none of that name.
        Forbidden: the viewer may use it and not do this.
    """
    query = select(Connection).where(Connection.name == name, visible_to(viewer))
    found = (await session.scalars(query)).one_or_none()
    if found is None:
        raise _missing(name)
    viewer.require(doing, Relation.SHARED)
    return found


def _missing(name: str) -> NotFound:
    return NotFound(f"There is no connection '{name[:100]}'.", remedy="GET /api/v1/connections lists them.")


async def insert(
    session: AsyncSession, name: str, *, kind: str, block_type_slug: str, description: str, now: datetime
) -> Connection | None:
    """Store a new row that is not made yet; return None where the name is in use.

    The database decides which of several is the first.
    """
    values = {
        "name": name,
        "kind": kind,
        "block_type_slug": block_type_slug,
        "description": description,
        "is_made": False,
        "created_at": now,
        "updated_at": now,
    }
    query = insert_into(session, Connection).values(**values).on_conflict_do_nothing().returning(Connection)
    return (await session.scalars(query)).one_or_none()


async def made(session: AsyncSession, name: str) -> bool:
    """Write that a connection has its block; return whether there is such a connection still."""
    query = update(Connection).where(Connection.name == name).values(is_made=True).returning(Connection.name)
    return (await session.scalars(query)).one_or_none() is not None


async def change(session: AsyncSession, name: str, *, now: datetime, description: str | None = None) -> Connection:
    """Write that a connection is changed; and, where a new description is given, that its block is; return the row.

    Raises:
        NotFound: it is gone by now.
    """
    values: dict[str, Any] = {"updated_at": now}
    if description is not None:
        values |= {"description": description, "is_made": True}
    query = update(Connection).where(Connection.name == name).values(**values).returning(Connection)
    found = (await session.scalars(query.execution_options(populate_existing=True))).one_or_none()
    if found is None:
        raise _missing(name)
    return found


async def give_back(session: AsyncSession, name: str, *, inserted_at: datetime) -> None:
    """Remove a row that got no block, unless somebody has changed it since."""
    await session.execute(delete(Connection).where(Connection.name == name, Connection.updated_at == inserted_at))


async def named(session: AsyncSession, names: Sequence[str], *, viewer: Viewer) -> dict[str, Connection]:
    """Return the connections with these names, as far as they exist."""
    query = select(Connection).where(Connection.name.in_(names), visible_to(viewer))
    return {row.name: row for row in await session.scalars(query)}
