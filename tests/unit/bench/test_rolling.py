"""The judge of rolling restarts and upgrades finds each broken promise, and no other."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.support.rolling.changes import Change, due_times
from tests.support.rolling.inbox import Mail
from tests.support.rolling.judging import Expected, Line, faults

NOON = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
DUE = [NOON, NOON + timedelta(minutes=1)]
EXPECTED = [Expected("one", "ada@example.com", DUE)]


def at(minute: int, second: int = 20) -> datetime:
    """Return a moment after noon."""
    return NOON + timedelta(minutes=minute, seconds=second)


def line(due: datetime, *, status: str = "success", delivered: int = 1) -> Line:
    """Return an occurrence of the schedule."""
    return Line("one", due, status, passes=1, delivered=delivered, attempts=1)


def mails(*late: tuple[datetime, float]) -> dict[Mail, list[float]]:
    """Return mails of these due times, each so many seconds late."""
    found: dict[Mail, list[float]] = {}
    for due, seconds in late:
        found.setdefault(("ada@example.com", due), []).append(due.timestamp() + seconds)
    return found


BOTH = [line(due) for due in DUE]
ONCE = [(due, 3.0) for due in DUE]


@pytest.mark.parametrize(
    ("lines", "taken", "count"),
    [
        pytest.param(BOTH, ONCE, 0, id="well"),
        pytest.param(BOTH[:1], ONCE, 1, id="not in the ledger"),
        pytest.param([*BOTH, line(at(2, 0))], ONCE, 1, id="in the ledger, though it was not due"),
        pytest.param([BOTH[0], line(DUE[1], status="failed", delivered=0)], ONCE, 1, id="failed"),
        pytest.param([BOTH[0], line(DUE[1], status="running")], ONCE, 1, id="not ended"),
        pytest.param(BOTH, ONCE[:1], 1, id="no mail"),
        pytest.param(BOTH, [*ONCE, ONCE[0]], 1, id="a mail twice"),
        pytest.param(BOTH, [*ONCE, (at(2, 0), 1.0)], 1, id="a mail of what was not due"),
        pytest.param(BOTH, [ONCE[0], (DUE[1], 60.1)], 1, id="late"),
    ],
)
def test_each_broken_promise_is_found(lines: list[Line], taken: list[tuple[datetime, float]], count: int) -> None:
    assert len(faults(EXPECTED, lines, mails(*taken), late_s=60)) == count


def test_a_schedule_is_due_by_how_it_was_at_that_time() -> None:
    changes = [Change(at(0), 1), Change(at(2), 2), Change(at(5), 0), Change(at(8), 2), Change(at(11), 0)]
    assert [due.minute for due in due_times(changes, at(30))] == [1, 2, 4, 10]
