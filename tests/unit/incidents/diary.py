"""Incidents in memory, kept as the database keeps them, to look at many looks one after the other."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from mailroom.incidents.diff import FLAPS_WITHIN, Changes, Known, diff
from mailroom.incidents.spec import IncidentKind, Severity, Trouble
from mailroom.setting_groups.incidents import IncidentSettings
from mailroom.storage.model.upkeep.incidents import Incident

K = IncidentKind
NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
SETTINGS = IncidentSettings()


def failing(schedule: str = "s1", *, run: str = "e1", failures: int = 1) -> Trouble:
    """Return the trouble of a schedule whose run failed."""
    values = {"schedule": "Weekly sales", "execution_id": run, "failures": failures}
    return Trouble(K.SCHEDULE_FAILING, schedule, values=values, owner_id="ada")


def broken(*schedules: str, name: str = "bank") -> Trouble:
    """Return the trouble of a connection that covers these schedules."""
    return Trouble(
        K.CONNECTION_FAILING, name, Severity.CRITICAL, {"connection": name}, schedule_ids=frozenset(schedules)
    )


@dataclass
class Diary:
    """The incidents of one test, by id."""

    rows: dict[str, Incident] = field(default_factory=dict)
    schedules: dict[str, frozenset[str]] = field(default_factory=dict)
    _ids: Iterable[str] = field(default_factory=lambda: (f"i{n}" for n in itertools.count(1)))

    @property
    def open(self) -> list[Incident]:
        """Return the incidents that are open."""
        return [row for row in self.rows.values() if row.resolved_at is None]

    def one(self, kind: IncidentKind = K.SCHEDULE_FAILING, subject: str | None = None) -> Incident:
        """Return the only open incident of a kind, or of a kind and subject."""
        (row,) = [row for row in self.open if row.kind == kind and subject in (None, row.subject)]
        return row

    def look(
        self, *troubles: Trouble, at: datetime, looked_for: Collection[IncidentKind] = tuple(IncidentKind)
    ) -> Changes:
        """Look, and write what changes."""
        ids = iter(self._ids)
        ended: dict[tuple[str, str], datetime] = {}
        for row in self.rows.values():
            if row.resolved_at is not None and row.resolved_at > at - FLAPS_WITHIN:
                ended[row.kind, row.subject] = row.resolved_at
        known = Known(self.open, self.schedules, ended)
        changes = diff(troubles, known, looked_for=looked_for, settings=SETTINGS, now=at, new_id=lambda: next(ids))
        for columns in changes.opens:
            self.rows[columns["id"]] = Incident(**columns)
        for columns in changes.updates:
            for name, value in columns.items():
                setattr(self.rows[columns["id"]], name, value)
        for incident_id in changes.resolves:
            self.rows[incident_id].resolved_at = at
        for incident_id, more in changes.schedules.items():
            self.schedules[incident_id] = self.schedules.get(incident_id, frozenset()) | more
        return changes
