"""The two sides of a conflict: the schedule that is looked at, and another one that shares something with it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from mailroom.schedules.conflicts.keys import Share
from mailroom.timing import BusinessCalendar, Timing, occurrences
from mailroom.timing.model import Immediate
from mailroom.timing.words import moment_words

HORIZON = dt.timedelta(days=92)
"""How far ahead two schedules are compared: a quarter, so that quarterly ones meet."""


@dataclass(frozen=True, slots=True)
class Party:
    """The data of a schedule that conflicts depend on.

    Attributes:
        schedule_id: None for one that is not stored.
        name: None where the reader may not see whose it is.
        parameters: with the report's defaults filled in.
        keys: see `keys.py`.
    """

    schedule_id: str | None
    name: str | None
    timing: Timing
    business: BusinessCalendar
    parameters: Mapping[str, Any] = field(default_factory=dict)
    keys: Mapping[str, Share] = field(default_factory=dict)

    def due(self, now: dt.datetime, until: dt.datetime | None = None) -> Iterator[dt.datetime]:
        """Yield its due times within the horizon, or up to `until`."""
        if isinstance(self.timing, Immediate):
            return iter(())
        return occurrences(self.timing, now, self.business, until=until or now + HORIZON)

    def first_due(self, now: dt.datetime) -> dt.datetime | None:
        """Return its next due time, however far ahead."""
        return next(islice(occurrences(self.timing, now, self.business), 1), None)

    def shared_with(self, other: Party, kind: str) -> list[tuple[Share, Share]]:
        """Return what both share of that kind, as sorted pairs (mine, theirs), each path or recipient once."""
        both = {
            self.keys[key].label: (self.keys[key], other.keys[key])
            for key in sorted(self.keys.keys() & other.keys.keys())
            if self.keys[key].kind == kind
        }
        return [both[label] for label in sorted(both)]

    def reference(self) -> dict[str, str] | None:
        """Return the schedule's id and name as data, or None if the reader may not see them."""
        if self.name is None or self.schedule_id is None:
            return None
        return {"id": self.schedule_id, "name": self.name}

    def called(self) -> str:
        """Return what the schedule is called at the beginning of a sentence."""
        return "Another schedule" if self.name is None else f"The schedule '{self.name}'"


def spoken(moment: dt.datetime, timing: Timing) -> str:
    """Return a due time in words, in the time zone of the timing."""
    return moment_words(moment.astimezone(timing.zone))
