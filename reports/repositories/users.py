"""Users in the database."""

from __future__ import annotations

from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from reports.tables import User


async def insert_if_absent(session: AsyncSession, values: dict[str, Any]) -> None:
    """Insert a user unless the address is taken already."""
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    await session.execute(dialect.insert(User).values(**values).on_conflict_do_nothing(index_elements=["email"]))
