"""Define what the API answers about alerts, as models that the OpenAPI document shows too."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from api.actions.view import View
from mailroom.alerts.spec import AlertState
from mailroom.incidents.spec import Level, Stage
from mailroom.notifications.kinds import Route


class AlertView(View):
    """One message about one incident to one target by one route."""

    id: str
    incident_id: str
    stage: Stage = Field(description="What it tells: that the incident opened, escalated, or is over.")
    level: Level = Field(description="Whom the incident had reached: its owner, the owner's team, or the operators.")
    route: Route
    target: str = Field(description="A mail address, the id of a user, or `operators` for the signed request.")
    user_id: str | None = Field(description="The user who is told; null for an address of a team or of operators.")
    state: AlertState
    attempts: int
    next_attempt_at: datetime | None
    sent_at: datetime | None
    error: str = Field(description="Why the last attempt failed; empty where none has.")
    fallback_of: str | None = Field(description="The alert that its route could not send, in whose place this one is.")
    created_at: datetime


class TriedRoute(View):
    """The result of a test by one route."""

    route: Route
    target: str
    ok: bool
    message: str = Field(description="What the far side confirmed, or what was wrong and what to do.")


class AlertTestView(View):
    """The result of a test of alerts; `ok` tells whether each route works."""

    ok: bool
    routes: list[TriedRoute]
