"""Which due times a backfill takes, and that none of its range is left out without a word."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import TypeAdapter

from mailroom.errors import Invalid
from mailroom.schedules.backfill import choose
from mailroom.states import ExecutionState
from mailroom.timing import BusinessCalendar, Timing, occurrences

HOURLY = TypeAdapter[Timing](Timing).validate_python({"frequency": "hourly", "timezone": "UTC"})
BEGIN = datetime(2026, 11, 1, tzinfo=UTC)
MOST = 10


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


def test_a_range_with_too_many_due_times_is_refused_and_not_cut() -> None:
    """What lies behind the last one that is looked at would be neither chosen nor named."""
    with pytest.raises(Invalid) as caught:
        choose(HOURLY, BusinessCalendar(), BEGIN, BEGIN + timedelta(days=500), known={}, again=False, most=MOST)
    assert [fault.field for fault in caught.value.faults] == ["from"]
