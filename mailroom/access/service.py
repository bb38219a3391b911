"""Find the user that the key of the installation stands for."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access import repository as users
from mailroom.roles import Role
from mailroom.settings import Settings, current
from mailroom.storage.database import new_id
from mailroom.storage.tables import User


async def ensure_default_user(session: AsyncSession, now: datetime, settings: Settings | None = None) -> User:
    """Return the default user, an admin, who is created at the first call, even if several processes call at once.

    A user who was there already, and whose address the settings now name, becomes an admin.
    """
    settings = settings or current()
    found = await users.find_by_email(session, settings.owner_email)
    if found is None:
        row = {
            "id": new_id(),
            "email": settings.owner_email,
            "name": "Owner",
            "timezone": settings.default_timezone,
            "role": Role.ADMIN,
            "is_service": False,
            "grants": [],
            "is_active": True,
            "created_at": now,
            "updated_at": now,
        }
        await users.insert_if_absent(session, row)
        found = await users.find_by_email(session, settings.owner_email)
    assert found is not None
    if found.role is not Role.ADMIN:
        found.role, found.updated_at = Role.ADMIN, now
    return found
