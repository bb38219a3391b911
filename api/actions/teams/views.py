"""Define what the API answers about teams, as models that the OpenAPI document shows too."""

from __future__ import annotations

from datetime import datetime

from api.actions.view import View
from mailroom.members.users import etag, team_settings
from mailroom.storage.model.access import Team


class TeamView(View):
    """A team."""

    id: str
    name: str
    external_id: str | None
    etag: str
    created_at: datetime
    updated_at: datetime


def team_view(row: Team) -> TeamView:
    """Return a team as a view."""
    settings = team_settings(row)
    return TeamView(id=row.id, **settings, etag=etag(settings), created_at=row.created_at, updated_at=row.updated_at)
