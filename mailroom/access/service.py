"""Manage the owners of schedules. Until people can log in, the API key stands for the only user."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access import repository as users
from mailroom.access.viewer import Viewer
from mailroom.settings import Settings, current
from mailroom.storage.database import new_id
from mailroom.storage.tables import User


def may_see(viewer: Viewer, owner_id: str) -> bool:
    """Tell whether the viewer may see the names and ids of this owner's schedules."""
    return viewer.user_id == owner_id


async def ensure_default_user(session: AsyncSession, now: datetime, settings: Settings | None = None) -> User:
    """Return the default user, who is created at the first call, even if several processes call at once."""
    settings = settings or current()
    found = await users.find_by_email(session, settings.owner_email)
    if found is None:
        row = {
            "id": new_id(),
            "email": settings.owner_email,
            "name": "Owner",
            "timezone": settings.default_timezone,
            "is_active": True,
            "created_at": now,
            "updated_at": now,
        }
        await users.insert_if_absent(session, row)
        found = await users.find_by_email(session, settings.owner_email)
    assert found is not None
    return found
