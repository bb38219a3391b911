"""Hand on what is to be told of incidents, each thing once: the only way from incidents to alerts.

Whoever calls `due_to_tell` tells what it returns in the same transaction, such as by rows of an outbox. If the
transaction is rolled back, nothing was handed on. Several processes may call it at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.incidents.escalation import newly_reached, reached
from mailroom.incidents.spec import IncidentKind, Level, Severity, Stage, Telling
from mailroom.storage.locks import before_reading
from mailroom.storage.model.upkeep.incidents import Incident, IncidentSchedule
from mailroom.storage.tables import Schedule


async def due_to_tell(session: AsyncSession, *, now: datetime, limit: int = 100) -> list[Telling]:
    """Return what is to be told now, and note that it was handed on.

    Of an open incident: that it opened, once it is older than the hold, and later that it has gone to another level.
    Left out are warnings, which wait for the digest, what another incident covers, and what is muted; an incident that
    a person acknowledged before it was told is not told either. Of one that is over: that it is, if its opening was
    told; one that was over before it was told is told not at all.

    Args:
        limit: of how many incidents, at most. Whoever gets something asks again.
    """
    await before_reading(session)
    query = select(Incident).where(or_(_opening_due(now), _end_due())).order_by(Incident.opened_at, Incident.id)
    rows = (await session.scalars(query.limit(limit).with_for_update(skip_locked=True))).all()
    covered = await _schedules_of(session, rows)
    told: list[Telling] = []
    for row in rows:
        told += _tellings(row, covered.get(row.id, []), now)
    return told


def _opening_due(now: datetime) -> ColumnElement[bool]:
    level_due = or_(
        and_(Incident.told_level.is_(None), Incident.acknowledged_at.is_(None)), Incident.told_level != Incident.level
    )
    return and_(
        Incident.resolved_at.is_(None),
        Incident.merged_into.is_(None),
        Incident.severity != Severity.WARNING,
        Incident.tell_at <= now,
        or_(Incident.muted_until.is_(None), Incident.muted_until <= now),
        level_due,
    )


def _end_due() -> ColumnElement[bool]:
    return and_(Incident.resolved_at.is_not(None), Incident.told_level.is_not(None), Incident.end_told_at.is_(None))


async def _schedules_of(session: AsyncSession, rows: Sequence[Incident]) -> dict[str, list[tuple[str, str]]]:
    """Return for each incident the ids of its schedules with those of their owners."""
    query = (
        select(IncidentSchedule.incident_id, Schedule.id, Schedule.user_id)
        .join(Schedule, Schedule.id == IncidentSchedule.schedule_id)
        .where(IncidentSchedule.incident_id.in_([row.id for row in rows]))
        .order_by(Schedule.id)
    )
    found: dict[str, list[tuple[str, str]]] = {}
    for incident_id, schedule_id, owner_id in await session.execute(query):
        found.setdefault(incident_id, []).append((schedule_id, owner_id))
    return found


def _tellings(row: Incident, schedules: Sequence[tuple[str, str]], now: datetime) -> list[Telling]:
    """Return what is to be told of an incident, and note it on its row."""
    owners = (row.owner_id,) if row.owner_id else tuple(sorted({owner for _, owner in schedules}))
    level, severity = Level(row.level), Severity(row.severity)
    told = Level(row.told_level) if row.told_level else None
    if row.resolved_at is not None:
        stage, levels = Stage.RESOLVED, reached(told or level, severity, concerns=bool(owners))
        row.end_told_at = now
    else:
        stage = Stage.OPENED if told is None else Stage.ESCALATED
        levels = newly_reached(told, level, severity, concerns=bool(owners))
        row.told_level = level
    return [
        Telling(
            incident_id=row.id,
            kind=IncidentKind(row.kind),
            subject=row.subject,
            severity=severity,
            stage=stage,
            level=one,
            values=row.values,
            owner_ids=owners,
            schedule_ids=tuple(schedule for schedule, _ in schedules),
            opened_at=row.opened_at,
            seen_at=row.last_seen_at,
            resolved_at=row.resolved_at,
        )
        for one in levels
    ]
