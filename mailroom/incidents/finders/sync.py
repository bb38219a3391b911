"""Find schedules whose changes do not get to Prefect, though Prefect answers.

Prefect has refused one (`sync_state` error), or it waits for longer than `PENDING_FOR`. While Prefect is silent, and as
long after that, waiting is normal: the backlog takes its turn. Many at once are one trouble.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import and_, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.incidents.covering import EVERY_SCHEDULE
from mailroom.incidents.finders import ledger
from mailroom.incidents.spec import IncidentKind, Severity, Trouble
from mailroom.settings import Settings
from mailroom.states import SyncState
from mailroom.storage.model.upkeep.incidents import Incident
from mailroom.storage.tables import Schedule

KINDS = frozenset({IncidentKind.SYNC_STUCK})
_KIND = IncidentKind.SYNC_STUCK
PENDING_FOR = timedelta(minutes=10)
MANY = 5
"""This many schedules at once are told as one trouble."""


async def find(session: AsyncSession, settings: Settings, *, now: datetime) -> Sequence[Trouble]:
    """Return each schedule whose wanted state Prefect does not show and will not by itself, and one trouble of many."""
    silent = exists().where(
        Incident.kind == IncidentKind.PREFECT_SILENT,
        or_(Incident.resolved_at.is_(None), Incident.resolved_at > now - PENDING_FOR),
    )
    stuck = or_(
        Schedule.sync_state == SyncState.ERROR,
        and_(Schedule.sync_state == SyncState.PENDING, Schedule.updated_at < now - PENDING_FOR, ~silent),
    )
    query = (
        select(Schedule.id, Schedule.name, Schedule.user_id, Schedule.sync_state, Schedule.sync_error)
        .where(stuck, Schedule.is_sample.is_(False))
        .order_by(ledger.first_open(_KIND).desc(), Schedule.updated_at.desc(), Schedule.id)
    )
    rows = (await session.execute(query.limit(ledger.MOST))).all()
    found = [
        Trouble(
            _KIND,
            schedule_id,
            Severity.CRITICAL,
            {"schedule": name, "state": str(state), "why": error[: ledger.LONGEST_ERROR]},
            owner_id,
        )
        for schedule_id, name, owner_id, state, error in rows
    ]
    return [*found, _many(found)] if len(found) >= MANY else found


def _many(found: Sequence[Trouble]) -> Trouble:
    values = {"schedules": len(found), "why": next((one.values["why"] for one in found if one.values["why"]), "")}
    covered = frozenset(one.subject for one in found)
    return Trouble(_KIND, EVERY_SCHEDULE, Severity.CRITICAL, values, schedule_ids=covered)
