"""Find schedules that Mailroom has suspended; it is over when a person resumes, pauses or deletes one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.incidents.finders import ledger
from mailroom.incidents.spec import IncidentKind, Trouble
from mailroom.settings import Settings
from mailroom.states import ScheduleState
from mailroom.storage.tables import AuditEvent, Schedule

KINDS = frozenset({IncidentKind.SCHEDULE_SUSPENDED})
_KIND = IncidentKind.SCHEDULE_SUSPENDED


async def find(session: AsyncSession, settings: Settings, *, now: datetime) -> Sequence[Trouble]:
    """Return each schedule that is suspended, with the cause that the audit trail tells."""
    why = (
        select(AuditEvent.detail)
        .where(
            AuditEvent.entity_type == "schedule",
            AuditEvent.entity_id == Schedule.id,
            AuditEvent.action == "suspended",
        )
        .order_by(AuditEvent.at.desc())
        .limit(1)
        .correlate(Schedule)
        .scalar_subquery()
    )
    query = (
        select(Schedule.id, Schedule.name, Schedule.user_id, why)
        .where(Schedule.state == ScheduleState.SUSPENDED, Schedule.is_sample.is_(False))
        .order_by(ledger.first_open(_KIND).desc(), Schedule.updated_at.desc(), Schedule.id)
    )
    rows = (await session.execute(query.limit(ledger.MOST))).all()
    return [
        Trouble(_KIND, schedule_id, values={"schedule": name, **_cause(detail or {})}, owner_id=owner_id)
        for schedule_id, name, owner_id, detail in rows
    ]


def _cause(detail: dict[str, object]) -> dict[str, object]:
    """Return why it was suspended: `failures` in a row, its owner, or a report that it does not fit any more."""
    if "consecutive_failures" in detail:
        return {"cause": "failures", "failures": detail["consecutive_failures"]}
    return {"cause": "owner" if "owner" in detail else "report" if detail else "unknown"}
