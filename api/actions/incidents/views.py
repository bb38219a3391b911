"""Define what the API answers about incidents, as models that the OpenAPI document shows too."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from api.actions.view import View
from mailroom.incidents.spec import IncidentKind, Level, Severity, Stage


class ConcernedSchedule(View):
    """A schedule that an incident is about or covers."""

    id: str
    name: str


class IncidentView(View):
    """Something that is or was wrong, with what happened and what to do in words."""

    id: str
    kind: IncidentKind
    subject: str = Field(description="The id of the schedule, or the name of what else it is about.")
    severity: Severity
    title: str
    what: str = Field(description="What happened and why.")
    to_do: list[str] = Field(description="What to do about it; empty once it is over.")
    over: str = Field(description="How it is now that it is over; empty before.")
    opened_at: datetime
    last_seen_at: datetime
    resolved_at: datetime | None
    level: Level = Field(description="Whom it has reached.")
    next_level_at: datetime | None = Field(description="When it goes further, unless somebody acknowledges it.")
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    muted_until: datetime | None
    merged_into: str | None = Field(description="The incident that it follows from, with which it is told.")
    execution_id: str | None = Field(description="The run that failed or was missed, where there is one.")
    schedules: list[ConcernedSchedule] = Field(description="The first of its schedules that you see, by name.")
    schedule_count: int = Field(description="How many schedules it concerns in all.")


class AlertView(View):
    """One message about an incident by one route."""

    id: str
    stage: Stage
    level: Level
    route: str
    target: str | None = Field(description="To whom it went; shown to admins, and to whoever it went to.")
    state: str
    attempts: int
    sent_at: datetime | None
    error: str
    created_at: datetime


class IncidentDetail(IncidentView):
    """An incident with the alerts about it, the oldest first."""

    alerts: list[AlertView]
