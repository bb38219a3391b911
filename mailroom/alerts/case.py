"""Read what an alert is about, and make of it what its reader is told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.alerts import people
from mailroom.alerts.routes import People, Team
from mailroom.incidents.spec import IncidentKind, Level, Severity, Stage
from mailroom.incidents.words.story import Story
from mailroom.settings import Settings
from mailroom.storage.model.upkeep.incidents import Alert, Incident, IncidentSchedule
from mailroom.storage.tables import Schedule, User


@dataclass(frozen=True, slots=True)
class Covered:
    """A schedule that an incident is about or covers."""

    id: str
    name: str
    owner_id: str


@dataclass(frozen=True, slots=True)
class Case:
    """An incident with everybody who may be told of it; `reader` is the user whom the alert is for, if it is one."""

    incident: Incident
    schedules: tuple[Covered, ...]
    people: People
    reader: User | None


async def read(session: AsyncSession, alert: Alert, settings: Settings, *, now: datetime) -> Case:
    """Return the case of an alert."""
    incident = (await session.scalars(select(Incident).where(Incident.id == alert.incident_id))).one()
    query = (
        select(Schedule.id, Schedule.name, Schedule.user_id)
        .join(IncidentSchedule, IncidentSchedule.schedule_id == Schedule.id)
        .where(IncidentSchedule.incident_id == incident.id)
        .order_by(Schedule.name, Schedule.id)
    )
    schedules = tuple(Covered(*row) for row in (await session.execute(query)).tuples())
    owners = [incident.owner_id] if incident.owner_id else sorted({one.owner_id for one in schedules})
    ids = [one.id for one in schedules]
    found = await people.of_incident(session, owners, ids, settings.alerts, now=now)
    reader = await session.get(User, alert.user_id) if alert.user_id else None
    return Case(incident, schedules, found, reader)


def story_of(alert: Alert, case: Case, settings: Settings) -> Story:
    """Return what the reader of an alert is told. Pure.

    An owner reads the names of the own schedules, a team those of its members, and operators those of all.
    """
    incident, level = case.incident, Level(alert.level)
    seen = [one for one in case.schedules if _may_know(one, level, alert, case)]
    return Story(
        incident_id=incident.id,
        kind=IncidentKind(incident.kind),
        severity=Severity(incident.severity),
        stage=Stage(alert.stage),
        level=level,
        subject=incident.subject,
        opened_at=incident.opened_at,
        resolved_at=incident.resolved_at,
        values=incident.values,
        schedules=tuple(one.name for one in seen),
        schedule_id=seen[0].id if len(seen) == 1 and len(case.schedules) == 1 else "",
        zone=case.reader.timezone if case.reader else settings.default_timezone,
    )


def _may_know(one: Covered, level: Level, alert: Alert, case: Case) -> bool:
    if level is Level.OPERATOR:
        return True
    if level is Level.OWNER:
        return one.owner_id == alert.user_id
    owners = {member.id for team in case.people.teams if _reaches(team, alert) for member in team.members}
    return one.owner_id in owners


def _reaches(team: Team, alert: Alert) -> bool:
    return team.address == alert.target or any(member.id == alert.user_id for member in team.members)
