"""A worker tells the time by Prefect's server where its host's clock is wrong, and by its host where that is right."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from prefect_mailroom.worker.server_clock import AGREES_WITHIN, ServerClock

TRUE = datetime(2026, 11, 26, 9, 0, 0, 250_000, tzinfo=UTC)


class Machine:
    """A machine whose clock is off by so many seconds, and that hears a server whose clock is right."""

    def __init__(self, ahead: float) -> None:
        self.ahead, self.passed = ahead, 0.0
        self.clock = ServerClock(lambda: self.true() + timedelta(seconds=self.ahead), lambda: self.passed)

    def true(self) -> datetime:
        return TRUE + timedelta(seconds=self.passed)

    def hear(self, *, on_its_way: float = 0.0) -> None:
        """Hear an answer, which the server has sent so many seconds ago."""
        self.clock.heard(format_datetime(self.true() - timedelta(seconds=on_its_way), usegmt=True))

    def off(self) -> float:
        """Return by how many seconds the clock tells too late a time."""
        return (self.clock.now() - self.true()).total_seconds()


@pytest.mark.parametrize("ahead", [-86_400, -30, -3, 3, 30, 86_400])
def test_a_wrong_clock_is_put_right_to_a_second(ahead: float) -> None:
    machine = Machine(ahead)
    assert machine.off() == ahead, "nothing was heard yet"
    machine.hear()
    assert -1 < machine.off() <= 0
    machine.passed = 60
    assert -1 < machine.off() <= 0


@pytest.mark.parametrize("ahead", [-1.4, 0.0, 1.4])
def test_a_clock_that_agrees_counts_since_it_is_exact(ahead: float) -> None:
    machine = Machine(ahead)
    machine.hear()
    assert machine.off() == pytest.approx(ahead)


def test_answers_that_were_slow_on_their_way_change_nothing() -> None:
    machine = Machine(0.0)
    machine.hear()
    for second in range(1, 10):
        machine.passed = second
        machine.hear(on_its_way=AGREES_WITHIN + 5)
        assert machine.off() == pytest.approx(0.0)


def test_a_step_of_the_hosts_clock_changes_nothing_and_old_answers_do_not_count() -> None:
    machine = Machine(0.0)
    machine.hear()
    machine.ahead = 300
    assert -1 < machine.off() <= 0
    machine.passed = 121
    assert machine.off() == 300, "too long ago"


@pytest.mark.parametrize("stamp", ["", "yesterday", "Thu, 26 Nov 2026 09:00:00"])
def test_an_answer_without_a_time_says_nothing(stamp: str) -> None:
    machine = Machine(30)
    machine.clock.heard(stamp)
    assert machine.off() == 30
