"""Define what the API answers about notifications, as models that the OpenAPI document shows too."""

from __future__ import annotations

from datetime import datetime

from api.actions.view import View


class NotificationView(View):
    """A message to a user, such as that a schedule failed."""

    id: str
    at: datetime
    severity: str
    title: str
    body: str
    schedule_id: str | None
    execution_id: str | None
    read_at: datetime | None
