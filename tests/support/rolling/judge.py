"""Wait until what was due has been delivered, and judge it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from bench.peak.waiting import say
from tests.support.rolling import judging
from tests.support.rolling.asking import Asking
from tests.support.rolling.inbox import Inbox
from tests.support.rolling.judging import Expected
from tests.support.rolling.people import People
from tests.support.waiting import eventually_sync

LATE_SECONDS = 60
"""So late may a report be; a lost worker costs up to 45 s, and nothing is lost here."""


def conclude(people: People, inbox: Inbox, asking: Asking, deaths: Sequence[str]) -> None:
    """Judge all that was due until now, print it, and fail for each promise that was broken.

    Args:
        asking: has what it asked the API answered, every time.
        deaths: the processes that ended unasked; there must be none.
    """
    judge = Judge(people, inbox, datetime.now(UTC))
    judge.wait()
    say(judge.summary())
    say(f"{asking.answers} requests were answered, {len(asking.failures)} were not")
    assert judge.faults() == []
    assert asking.failures == []
    assert list(deaths) == []


class Judge:
    """Judge what was due before `until`."""

    def __init__(self, people: People, inbox: Inbox, until: datetime) -> None:
        self._people, self._inbox = people, inbox
        self._expected: list[Expected] = people.expected(until)
        self._due = sum(len(one.due) for one in self._expected)

    def wait(self, seconds: float = 150) -> None:
        """Wait until there are as many mails as due times, and the ledger has confirmed each."""
        eventually_sync(self._is_done, seconds, lambda: "\n".join(self.faults()), pause=1)

    def _is_done(self) -> bool:
        confirmed = [line for line in judging.read(self._people.stack.backend) if line.status == "success"]
        return min(len(self._inbox.taken), len(confirmed)) >= self._due

    def faults(self) -> list[str]:
        """Return a sentence for each promise that was broken."""
        lines = judging.read(self._people.stack.backend)
        return judging.faults(self._expected, lines, self._inbox.taken, late_s=LATE_SECONDS)

    def summary(self) -> str:
        """Return how many there were, and how late they came."""
        late = sorted(judging.lateness(self._inbox.taken).values())
        return f"{self._due} due times, late by {late[len(late) // 2]:.1f} s in the middle, {late[-1]:.1f} s at most"
