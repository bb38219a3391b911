"""Connections in the database: names and kinds; the secrets are in Prefect's blocks."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.errors import NotFound
from mailroom.storage.tables import Connection


async def every(session: AsyncSession) -> Sequence[Connection]:
    """Every connection by name."""
    return (await session.scalars(select(Connection).order_by(Connection.name))).all()


async def get(session: AsyncSession, name: str) -> Connection:
    """The connection.

    Raises:
        NotFound: there is none of that name.
    """
    found = await session.get(Connection, name)
    if found is None:
        raise NotFound(f"There is no connection '{name[:100]}'.", remedy="GET /api/v1/connections lists them.")
    return found


async def named(session: AsyncSession, names: Sequence[str]) -> dict[str, Connection]:
    """Those of the names that exist."""
    query = select(Connection).where(Connection.name.in_(names))
    return {row.name: row for row in await session.scalars(query)}
