"""Define what the API answers about users, as models that the OpenAPI document shows too."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from api.actions.view import View
from mailroom.members.preferences import Preferences, preferences_of
from mailroom.members.users import etag, user_settings
from mailroom.roles import Role
from mailroom.storage.tables import User


class UserView(View):
    """A user."""

    id: str
    email: str
    name: str
    role: Role
    team: str | None = Field(description="The id of the user's team.")
    timezone: str
    external_id: str | None
    is_service: bool
    is_active: bool
    grants: list[str] = Field(description="Permissions besides those of the role.")
    preferences: Preferences
    etag: str
    created_at: datetime
    updated_at: datetime


class ChangedUserView(UserView):
    """A user after a change."""

    suspended: list[str] = Field(
        description="The ids of the schedules that the change suspended, since the user may not own schedules now."
    )


def user_view(row: User) -> UserView:
    """Return a user as a view."""
    return UserView(**_fields(row))


def changed_user_view(row: User, suspended: list[str]) -> ChangedUserView:
    """Return a user after a change as a view."""
    return ChangedUserView(**_fields(row), suspended=suspended)


def _fields(row: User) -> dict[str, Any]:
    settings = user_settings(row)
    return {
        "id": row.id,
        **settings,
        "preferences": preferences_of(row.preferences),
        "etag": etag(settings),
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }
