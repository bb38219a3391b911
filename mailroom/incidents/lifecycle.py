"""The life of an incident: the only place where one opens, changes and is over.

Several processes look at once. Whoever writes holds the open incidents; two that open the same one meet in the unique
index of open incidents, and the later one reads again what is open, and then has nothing to do.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.errors import Conflict
from mailroom.incidents import repository as stored
from mailroom.incidents.diff import FLAPS_WITHIN, Changes, Known, diff
from mailroom.incidents.spec import IncidentKind, Trouble
from mailroom.setting_groups.incidents import IncidentSettings
from mailroom.storage.contention import Overtaken
from mailroom.storage.database import new_id
from mailroom.storage.locks import before_reading
from mailroom.storage.model.upkeep.incidents import Incident

ENDS_WHEN_ACKNOWLEDGED = frozenset({IncidentKind.OCCURRENCE_MISSED})
"""Incidents of these kinds cannot be repaired any more, and are over when somebody has taken note of them."""


async def apply(
    session: AsyncSession,
    troubles: Collection[Trouble],
    *,
    looked_for: Collection[IncidentKind],
    settings: IncidentSettings,
    now: datetime,
) -> Changes:
    """Open, change and end incidents after a look, and return what was done.

    Args:
        looked_for: the kinds whose finders have answered.
        now: when the look began.

    Raises:
        Overtaken: another process has opened one of the incidents meanwhile.
    """
    await before_reading(session)
    known = Known(
        await stored.hold_open(session),
        await stored.schedules_of_open(session),
        await stored.ended_since(session, now - FLAPS_WITHIN),
    )
    changes = diff(troubles, known, looked_for=looked_for, settings=settings, now=now, new_id=new_id)
    if await stored.insert(session, changes.opens) < len(changes.opens):
        raise Overtaken
    await stored.change(session, changes.updates)
    await stored.resolve(session, changes.resolves, now=now)
    await stored.add_schedules(session, changes.schedules)
    return changes


def acknowledge(incident: Incident, *, by: str, now: datetime) -> None:
    """Note that a person has taken note of an incident: it goes no further. The caller holds it.

    Raises:
        Conflict: the incident is over.
    """
    _require_open(incident)
    incident.acknowledged_at, incident.acknowledged_by, incident.next_level_at = now, by, None
    if incident.kind in ENDS_WHEN_ACKNOWLEDGED:
        incident.resolved_at = now


def mute(incident: Incident, *, until: datetime | None) -> None:
    """Tell nothing more of an incident until a moment; None: no longer be silent. The caller holds it.

    Raises:
        Conflict: the incident is over.
    """
    _require_open(incident)
    incident.muted_until = until
    incident.next_level_at = None


def _require_open(incident: Incident) -> None:
    if incident.resolved_at is not None:
        raise Conflict("The incident is over.", remedy="Nothing more is told of it.")
