"""Users in the database."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.storage.inserting import insert_into
from mailroom.storage.tables import User


async def insert_if_absent(session: AsyncSession, values: dict[str, Any]) -> None:
    """Insert a user unless the address is taken already."""
    await session.execute(insert_into(session, User).values(**values).on_conflict_do_nothing(index_elements=["email"]))


async def find(session: AsyncSession, user_id: str) -> User | None:
    """Return the user, or None."""
    return await session.get(User, user_id)


async def find_by_email(session: AsyncSession, email: str) -> User | None:
    """Return the user with this address, or None."""
    return (await session.scalars(select(User).where(User.email == email))).one_or_none()
