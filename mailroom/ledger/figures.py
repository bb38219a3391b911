"""Prove that a period is accounted for: work out anew what was due and compare it with the ledger."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access.viewer import Viewer
from mailroom.calendars.service import business_calendars
from mailroom.ledger import repository as ledger
from mailroom.states import ExecutionState
from mailroom.timing import TIMING, BusinessCalendar, occurrences

_BATCH = 200
SHOWN = 20


@dataclass(frozen=True, slots=True)
class Unaccounted:
    """A due time that is not in the ledger."""

    schedule_id: str
    schedule_name: str
    due_at: datetime


@dataclass(slots=True)
class Figures:
    """Occurrences due in a period: `due` = `accounted` + `unaccounted`; `missing` names the first of the latter."""

    since: datetime
    until: datetime
    accounted: int = 0
    unaccounted: int = 0
    by_state: dict[ExecutionState, int] = field(default_factory=dict)
    missing: list[Unaccounted] = field(default_factory=list)

    @property
    def due(self) -> int:
        """Return how many occurrences were due."""
        return self.accounted + self.unaccounted


async def figures(session: AsyncSession, *, viewer: Viewer, since: datetime, until: datetime) -> Figures:
    """Work out the figures of what was due in (since, until].

    The ledger is checked against the timing of every active schedule, for the time since it was last changed; before
    that, each change had accounted for what was due by the timing of then.
    """
    found = Figures(since, until, by_state=await ledger.counts(session, viewer=viewer, since=since, until=until))
    found.accounted = sum(found.by_state.values())
    beyond = ""
    while True:
        rows = await ledger.active_page(session, viewer=viewer, beyond=beyond, limit=_BATCH)
        there = await ledger.due_times(session, [row.id for row in rows], since=since, until=until)
        named = {calendar for row in rows if (calendar := row.schedule_config.get("calendar"))}
        calendars = await business_calendars(session, named)
        missing = await asyncio.to_thread(_missing, rows, there, calendars, since, until)
        found.unaccounted += len(missing)
        found.missing += missing[: SHOWN - len(found.missing)]
        if len(rows) < _BATCH:
            return found
        beyond = rows[-1].id


def _missing(
    rows: Sequence[Row[Any]],
    there: set[tuple[str, datetime]],
    calendars: dict[str, BusinessCalendar],
    since: datetime,
    until: datetime,
) -> list[Unaccounted]:
    missing: list[Unaccounted] = []
    for row in rows:
        timing = TIMING.validate_python(row.schedule_config)
        business = calendars.get(timing.calendar or "", BusinessCalendar())
        due = occurrences(timing, max(since, row.updated_at), business, until=until)
        missing += [Unaccounted(row.id, row.name, due_at) for due_at in due if (row.id, due_at) not in there]
    return missing
