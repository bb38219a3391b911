"""Connections in the database: names and kinds; the secrets are in Prefect's blocks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, false, or_, select, true, update
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access.permissions import Action, Relation
from mailroom.access.reach import connection_names
from mailroom.access.viewer import Viewer
from mailroom.errors import NotFound
from mailroom.storage.inserting import insert_into
from mailroom.storage.locks import before_reading
from mailroom.storage.tables import Connection

MESSAGE = 1000
"""So many characters of what a check said are kept."""


@dataclass(frozen=True, slots=True)
class Change:
    """Tell the row of a connection about the new settings of its block.

    Attributes:
        is_same: whether they are the same as before, secrets included.
        has_secrets: whether one is set; `has_new_secrets`: whether one is another than before.
    """

    description: str
    is_same: bool
    has_secrets: bool
    has_new_secrets: bool


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


async def get(
    session: AsyncSession,
    name: str,
    *,
    viewer: Viewer,
    doing: Action = Action.CONNECTION_USE,
    lock: bool = False,
) -> Connection:
    """Return the connection; `lock` keeps others from changing it until the transaction ends.

    Args:
        doing: what the viewer is about to do with it.

    Raises:
        NotFound: there is none of that name.
        Forbidden: the viewer may use it and not do this.
    """
    query = select(Connection).where(Connection.name == name, visible_to(viewer))
    if lock:
        await before_reading(session)
        query = query.with_for_update(key_share=True).execution_options(populate_existing=True)
    found = (await session.scalars(query)).one_or_none()
    if found is None:
        raise _missing(name)
    viewer.require(doing, Relation.SHARED)
    return found


def _missing(name: str) -> NotFound:
    return NotFound(
        f"There is no connection '{name[:100]}'.", remedy="GET /api/v1/connections lists them.", code="no_connection"
    )


async def insert(
    session: AsyncSession,
    name: str,
    *,
    kind: str,
    block_type_slug: str,
    description: str,
    has_secrets: bool,
    now: datetime,
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
        "secret_changed_at": now if has_secrets else None,
    }
    query = insert_into(session, Connection).values(**values).on_conflict_do_nothing().returning(Connection)
    return (await session.scalars(query)).one_or_none()


async def made(session: AsyncSession, name: str) -> bool:
    """Write that a connection has its block; return whether there is such a connection still."""
    query = update(Connection).where(Connection.name == name).values(is_made=True).returning(Connection.name)
    return (await session.scalars(query)).one_or_none() is not None


async def mark_changing(session: AsyncSession, name: str, *, now: datetime) -> None:
    """Write that a connection is about to be changed.

    Raises:
        NotFound: it is gone by now.
    """
    await _update(session, name, {"updated_at": now})


async def changed(session: AsyncSession, name: str, change: Change, *, now: datetime) -> Connection:
    """Write that the block of a connection is changed; return the row.

    Raises:
        NotFound: it is gone by now.
    """
    values: dict[str, Any] = {"updated_at": now, "description": change.description, "is_made": True}
    if not change.is_same:
        values |= {"last_check_at": None, "last_check_ok": None, "last_check_message": None}
    if change.has_new_secrets or not change.has_secrets:
        values["secret_changed_at"] = now if change.has_secrets else None
    return await _update(session, name, values)


async def _update(session: AsyncSession, name: str, values: dict[str, Any]) -> Connection:
    query = update(Connection).where(Connection.name == name).values(**values).returning(Connection)
    found = (await session.scalars(query.execution_options(populate_existing=True))).one_or_none()
    if found is None:
        raise _missing(name)
    return found


async def checked(session: AsyncSession, name: str, *, seen: datetime, ok: bool, message: str, now: datetime) -> None:
    """Write how a check ended, unless the settings have changed since its row was read, or a later check has ended.

    Args:
        seen: the row's last change, as it was read before the check.
    """
    earlier = or_(Connection.last_check_at.is_(None), Connection.last_check_at <= now)
    query = update(Connection).where(Connection.name == name, Connection.updated_at == seen, earlier)
    await session.execute(query.values(last_check_at=now, last_check_ok=ok, last_check_message=message[:MESSAGE]))


async def give_back(session: AsyncSession, name: str, *, inserted_at: datetime) -> None:
    """Remove a row that got no block, unless somebody has changed it since."""
    await session.execute(delete(Connection).where(Connection.name == name, Connection.updated_at == inserted_at))


async def named(session: AsyncSession, names: Sequence[str], *, viewer: Viewer) -> dict[str, Connection]:
    """Return the connections with these names, as far as they exist."""
    query = select(Connection).where(Connection.name.in_(names), visible_to(viewer))
    return {row.name: row for row in await session.scalars(query)}
