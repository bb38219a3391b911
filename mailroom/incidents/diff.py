"""Compare what is wrong now with the incidents that are open: what opens, what changes, what is over. Pure.

What flaps must not send many alerts. The first end of a trouble counts at once. What comes back within ten minutes
opens a new incident that flaps: it is only over when the trouble has stayed away for five minutes. So, however often
something goes and comes back, it is told at most twice: the first time, and once more for as long as it flaps.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from mailroom.incidents.covering import Key, covers, key_of, schedules_of
from mailroom.incidents.spec import IncidentKind, Severity, Trouble
from mailroom.incidents.standing import changed, opened
from mailroom.setting_groups.incidents import IncidentSettings
from mailroom.storage.model.upkeep.incidents import Incident

FLAPS_WITHIN = timedelta(minutes=10)
SETTLES_AFTER = timedelta(minutes=5)
_WORST_FIRST = (Severity.CRITICAL, Severity.ERROR, Severity.WARNING)


@dataclass(frozen=True, slots=True)
class Known:
    """Hold what the database knows: the open incidents, the schedules of each, and when those of a key ended last.

    `ended` only has those that ended within `FLAPS_WITHIN`.
    """

    open: Sequence[Incident]
    schedules: Mapping[str, frozenset[str]] = field(default_factory=dict)
    ended: Mapping[Key, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Changes:
    """Hold what is to be written.

    Attributes:
        opens: all columns of new incidents, in the order of their keys.
        updates: the columns of open incidents that change, with their ids.
        resolves: the ids of the incidents that are over.
        schedules: the schedules of an incident that are not known to be its own yet, by the incident's id.
    """

    opens: list[dict[str, Any]]
    updates: list[dict[str, Any]]
    resolves: list[str]
    schedules: dict[str, frozenset[str]]

    def __bool__(self) -> bool:
        return bool(self.opens or self.updates or self.resolves or self.schedules)


def diff(
    troubles: Collection[Trouble],
    known: Known,
    *,
    looked_for: Collection[IncidentKind],
    settings: IncidentSettings,
    now: datetime,
    new_id: Callable[[], str],
) -> Changes:
    """Return what is to be written after a look.

    Args:
        looked_for: the kinds whose finders have answered. Of the others nothing is known, so nothing is over.
        now: when the look began. What another process saw or ended after that stands.
    """
    rows = {(row.kind, row.subject): row for row in known.open}
    found = {
        key: trouble
        for key, trouble in _one_each(troubles).items()
        if key in rows or key not in known.ended or known.ended[key] <= now
    }
    kept = {
        key: _as_trouble(row, known)
        for key, row in rows.items()
        if key not in found and not _over(row, looked_for, now)
    }
    standing = {**kept, **found}
    ids = {key: rows[key].id if key in rows else new_id() for key in sorted(standing)}
    by_id = {row.id: row for row in known.open}
    covered_by = covers(standing.values())
    opens, updates, schedules = [], [], {}
    for key, incident_id in ids.items():
        trouble = standing[key]
        cover = ids[covered_by[key]] if key in covered_by else None
        row = rows.get(key)
        if row is None:
            flaps = key in known.ended
            opens.append({"id": incident_id, **opened(trouble, settings, cover=cover, flaps=flaps, now=now)})
        else:
            former = by_id.get(row.merged_into) if row.merged_into else None
            told = former is not None and former.told_level is not None
            seen = trouble if key in found else None
            if columns := changed(row, seen, settings, cover=cover, cover_was_told=told, now=now):
                updates.append({"id": incident_id, **columns})
        if more := schedules_of(trouble) - known.schedules.get(incident_id, frozenset()):
            schedules[incident_id] = more
    return Changes(opens, updates, [row.id for key, row in rows.items() if key not in standing], schedules)


def _one_each(troubles: Collection[Trouble]) -> dict[Key, Trouble]:
    """Return one trouble of each kind and subject: the worst, where several finders saw it."""
    found: dict[Key, Trouble] = {}
    for trouble in sorted(troubles, key=lambda one: _WORST_FIRST.index(one.severity)):
        found.setdefault(key_of(trouble), trouble)
    return found


def _over(row: Incident, looked_for: Collection[IncidentKind], now: datetime) -> bool:
    """Tell whether an incident that was not found is over."""
    if IncidentKind(row.kind) not in looked_for or row.last_seen_at > now:
        return False
    return not row.flaps or row.last_seen_at <= now - SETTLES_AFTER


def _as_trouble(row: Incident, known: Known) -> Trouble:
    """Return the trouble of an incident that stands though it was not found."""
    schedule_ids = known.schedules.get(row.id, frozenset())
    return Trouble(IncidentKind(row.kind), row.subject, Severity(row.severity), row.values, row.owner_id, schedule_ids)
