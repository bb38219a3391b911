"""Define what the API answers about notifications, as models that the OpenAPI document shows too."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from api.actions.view import View


class NotificationView(View):
    """A message to a user, such as that a schedule failed."""

    id: str
    at: datetime
    kind: str = Field(description="The kind, by which users choose what they are told. New words may come.")
    severity: str = Field(description="error, warning or info.")
    title: str
    body: str
    schedule_id: str | None
    execution_id: str | None
    incident_id: str | None
    subject: str | None = Field(
        description="The name of what it is about if that is no schedule, such as of a connection."
    )
    read_at: datetime | None


class MarkedView(View):
    """The number of notifications that were marked as read."""

    marked: int


class MuteView(View):
    """A schedule about which you are told nothing new."""

    schedule_id: str
    schedule_name: str
    until: datetime | None = Field(description="The end of the silence; null where it has none.")
    created_at: datetime
