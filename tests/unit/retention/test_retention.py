"""How much a transaction removes, and the periods that a start accepts."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from mailroom.retention.pace import AIM_SECONDS, FEWEST, FIRST, MOST, REST, SHORTEST_REST, Pace
from mailroom.settings import Settings


def test_a_slow_database_gets_smaller_batches_at_once_and_a_fast_one_larger_ones_by_and_by() -> None:
    pace = Pace()
    assert pace.after(4 * AIM_SECONDS) == pytest.approx(4 * AIM_SECONDS * REST)
    assert pace.rows == FIRST // 4
    for _ in range(3):
        pace.after(AIM_SECONDS / 100)
    assert FIRST // 4 < pace.rows < FIRST
    for _ in range(50):
        pace.after(0)
    assert pace.rows == MOST
    assert pace.after(0) == SHORTEST_REST
    pace.after(3600)
    assert pace.rows == FEWEST


@pytest.mark.parametrize(
    ("days", "field"),
    [
        ({"execution_days": 44}, "execution_days"),
        ({"attempt_days": 500}, "attempt_days is 500"),
        ({"event_days": 0}, "event_days"),
    ],
)
def test_periods_that_contradict_are_refused(days: dict[str, int], field: str) -> None:
    with pytest.raises(ValidationError, match=field):
        Settings.model_validate(days)
