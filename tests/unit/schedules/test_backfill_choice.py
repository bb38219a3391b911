"""Which due times a backfill takes, and that none of its range is left out without a word."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import TypeAdapter

from mailroom.schedules.backfill import choose
from mailroom.states import ExecutionState
from mailroom.timing import BusinessCalendar, Timing, occurrences

HOURLY = TypeAdapter[Timing](Timing).validate_python({"frequency": "hourly", "timezone": "UTC"})
BEGIN = datetime(2026, 11, 1, tzinfo=UTC)
MOST = 10


@pytest.mark.xfail(
    strict=True,
    raises=AssertionError,
    reason="Of a long range only the first due times are looked at, and what lies behind them is left out silently.",
)
def test_every_due_time_of_the_range_is_chosen_or_named() -> None:
    """The first hours were all delivered, ten times as many as one backfill takes; the last five were not."""
    delivered, hours = MOST * 10, MOST * 10 + 5
    last = BEGIN + timedelta(hours=hours - 1)
    due = list(occurrences(HOURLY, BEGIN - timedelta(microseconds=1), BusinessCalendar(), until=last))
    assert len(due) == hours
    known = {at: {ExecutionState.SUCCESS} for at in due[:delivered]}
    plan = choose(HOURLY, BusinessCalendar(), BEGIN, last, known=known, again=False, most=MOST)
    assert plan.due == due[delivered:]
    assert [left.due_at for left in plan.left_out] == due[:delivered]
