"""The history of each schedule, and so what was due: the calculator asked about times that are over."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pydantic import TypeAdapter

from mailroom.calendars.spec import CalendarDefinition
from mailroom.schedules.forecast import forecast
from mailroom.states import ScheduleState
from mailroom.timing import BusinessCalendar, Timing, occurrences
from mailroom.timing.model import Immediate
from tests.integration.promises.snapshot import ScheduleRow

_TIMING: TypeAdapter[Timing] = TypeAdapter(Timing)
_SHOWN = 50
"""What a preview shows at most."""


@dataclass
class Chapter:
    """A time in which a schedule was active with one timing: after `start`, up to and with `end`.

    `reached` is the latest that the clock showed in it, which may be later than its end where the clock was set back.
    """

    timing: str
    business: BusinessCalendar
    start: datetime
    end: datetime
    reached: datetime
    preview: list[datetime]
    at_once: bool = False
    _due: list[datetime] = field(default_factory=list)
    _due_until: datetime | None = None

    def due(self, until: datetime) -> list[datetime]:
        if self._due_until is None:
            self._due, self._due_until = [self.start] if self.at_once else [], self.start
        if until > self._due_until:
            timing = _TIMING.validate_json(self.timing)
            self._due += occurrences(timing, self._due_until, self.business, until=until)
            self._due_until = until
        return [moment for moment in self._due if moment <= until]

    def may(self) -> list[datetime]:
        """Return what may have been due, by a clock that may have been set back before the chapter ended."""
        return self.due(self.reached)

    def foreseen(self, until: datetime) -> list[datetime] | None:
        """Return what the preview showed of the chapter; None where that does not reach so far."""
        if len(self.preview) == _SHOWN and self.preview[-1] < until:
            return None
        return [moment for moment in self.preview if moment <= until]


@dataclass
class Story:
    """The chapters of one schedule; the last one goes on while `open`."""

    chapters: list[Chapter] = field(default_factory=list)
    open: bool = False
    timing: str = ""

    def tell(self, row: ScheduleRow, business: BusinessCalendar, now: datetime) -> None:
        """Take in what the ledger says now; nothing else happened since the clock showed `now`."""
        current = self.chapters[-1] if self.open else None
        if current:
            current.end, current.reached = now, max(current.reached, now)
        active = row.state is ScheduleState.ACTIVE
        if current and active and (current.timing, current.business) == (row.timing, business):
            return
        if active:
            self.chapters.append(_chapter(row, business, now, again=row.timing == self.timing))
        self.open, self.timing = active, row.timing

    def must(self, until: datetime) -> set[datetime]:
        """Return what was due up to then for sure."""
        return {moment for one in self.chapters for moment in one.due(min(one.end, until))}

    def may(self) -> set[datetime]:
        """Return what may have been due, by a clock that may have been set back before a change."""
        return {moment for one in self.chapters for moment in one.may()}


def _chapter(row: ScheduleRow, business: BusinessCalendar, now: datetime, *, again: bool) -> Chapter:
    timing = _TIMING.validate_json(row.timing)
    shown = [one.at for one in forecast(timing, business, now=now, count=_SHOWN).due]
    at_once = isinstance(timing, Immediate) and not again
    if isinstance(timing, Immediate) and again:
        shown = []
    return Chapter(row.timing, business, now, now, now, shown, at_once)


class Library:
    """The stories of all schedules, with the calendar as each chapter knew it."""

    def __init__(self) -> None:
        self.stories: dict[str, Story] = {}

    def tell(self, rows: Mapping[str, ScheduleRow], calendar: BusinessCalendar, now: datetime) -> None:
        for row in rows.values():
            named = json.loads(row.timing).get("calendar")
            business = calendar if named else BusinessCalendar()
            self.stories.setdefault(row.id, Story()).tell(row, business, now)

    def __iter__(self) -> Iterator[tuple[str, Story]]:
        return iter(self.stories.items())


def business_of(definition: str) -> BusinessCalendar:
    """Return the calendar of a stored definition; equal definitions give equal calendars."""
    return CalendarDefinition.model_validate_json(definition).business()
