"""A fault, its incident, its alert, its repair and its end, with how long each took; many stories are told at once."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.acceptance.incidents.book import OPENED, OWNER_NOTE, RESOLVED, Book
from tests.support.waiting import eventually_sync

Act = Callable[[], float | None]
_STILL = 30.0
"""So long a warning stands before it is mended: an error would have been told by then."""


def _nothing() -> None:
    return None


@dataclass
class Story:
    """One fault.

    Attributes:
        break_it: provokes it. What it returns is the moment from which on something is wrong, on the monotonic clock.
        mend_it: ends it; None leaves it for later.
        subject: says what the incident is about; it is asked again and again, since it may come late.
        told: the routes by which it is told, and its end; none for a warning.
        follows: the story whose repair is this fault.
    """

    kind: str
    subject: Callable[[], str]
    break_it: Act
    mend_it: Act | None
    told: frozenset[str]
    fault: str = ""
    follows: Story | None = None
    broken_at: float | None = None
    mended_at: float | None = None
    seconds: dict[str, float] = field(default_factory=dict)

    def is_done(self, book: Book) -> bool:
        """Go on as far as is possible now; tell whether everything has happened that can."""
        now = time.monotonic()
        if self.broken_at is None:
            if self.follows is not None and self.follows.mended_at is None:
                return False
            assert not book.incidents(self.kind, self.subject()), f"{self.kind} was there before the fault"
            self.broken_at = self.break_it() or now
            return False
        found = book.incidents(self.kind, self.subject())
        if not found:
            return False
        self.seconds.setdefault("opened", now - self.broken_at)
        if "alerted" not in self.seconds:
            quiet = not self.told and now - self.broken_at - self.seconds["opened"] < _STILL
            if quiet or not self._all(book, found[0].id, OPENED):
                return False
            self.seconds["alerted"] = now - self.broken_at
            if self.mend_it is not None:
                self.mended(self.mend_it())
        if self.mended_at is None:
            return self.mend_it is None
        if found[-1].is_over:
            self.seconds.setdefault("over", now - self.mended_at)
        if "over" in self.seconds and self._all(book, found[0].id, RESOLVED):
            self.seconds.setdefault("told over", now - self.mended_at)
        return "told over" in self.seconds

    def mended(self, at: float | None = None) -> None:
        """Note that the fault is mended, now or since that moment."""
        self.mended_at = at or time.monotonic()

    def counted(self, book: Book) -> dict[str, Any]:
        """Return how many incidents, alerts and resolutions there were, and how long everything took."""
        found = book.incidents(self.kind, self.subject())
        alerts, ends = (self._counts(book, found[0].id, stage) for stage in (OPENED, RESOLVED))
        seconds = {name: round(value, 1) for name, value in self.seconds.items()}
        counts = {"incidents": len(found), "alerts": dict(alerts), "resolutions": dict(ends)}
        return {"kind": self.kind, "fault": self.fault, **counts, "seconds": seconds}

    def check(self, book: Book) -> None:
        """Fail unless there was exactly one incident, one alert by each route, and one resolution by the same."""
        found = self.counted(book)
        assert found["incidents"] == 1, found
        for route in self.told:
            assert (found["alerts"].get(route), found["resolutions"].get(route)) == (1, 1), found
        assert set(found["alerts"]) | set(found["resolutions"]) <= self.told, found
        (incident,) = book.incidents(self.kind, self.subject())
        for stage in (OPENED, RESOLVED):
            assert book.rows(incident.id, stage) == self._counts(book, incident.id, stage), found

    def _all(self, book: Book, incident_id: str, stage: str) -> bool:
        return not self.told - set(self._counts(book, incident_id, stage))

    def _counts(self, book: Book, incident_id: str, stage: str) -> Counter[str]:
        """Return what came by each route; what stands in the application came when its row says so."""
        rows, arrived = book.rows(incident_id, stage), book.arrived(incident_id, stage)
        return Counter({OWNER_NOTE: rows[OWNER_NOTE], **arrived}) + Counter()


def play(stories: Sequence[Story], book: Book, seconds: float) -> None:
    """Tell stories at once, until all of them are done."""

    def told() -> str:
        return "\n".join(f"{one.kind}: {one.seconds}" for one in stories) + f"\n{book.incidents()}"

    def all_done() -> bool:
        done = [one.is_done(book) for one in stories]  # Each of them: one that waits must not keep the others back.
        return all(done)

    eventually_sync(all_done, seconds, told, pause=0.5)
