"""A part of the bench ends when its time is over, reports what it has, and the next part begins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import httpx
import pytest

from bench.peak import options, parts, result, table
from bench.peak.bound import Bound, seconds
from bench.peak.measuring import Outcome, watch
from bench.peak.result import EARLY
from bench.peak.rivals.best import rounds
from bench.peak.sink import Sink
from bench.peak.stack import Stack
from bench.peak.waiting import EndedEarly


def outcome(late: list[float], n: int = 2, gave_up_after: float | None = None) -> Outcome:
    n_ended = len(late)
    return Outcome(n, n_ended, 0, late, cpu={}, pss_mb={}, ended=n_ended, gave_up_after=gave_up_after)


def empty() -> dict[str, Any]:
    return result.empty(options.read({}))


class Clock:
    """A clock that goes on by `step` seconds whenever somebody looks."""

    def __init__(self, step: float) -> None:
        self.step, self.now = step, 0.0

    def __call__(self) -> float:
        self.now += self.step
        return self.now


class Stacks:
    """Opens stacks that run nothing, and remembers for which part each was opened."""

    def __init__(self, broken: str = "") -> None:
        self.opened: list[str] = []
        self.broken = broken

    @contextmanager
    def open(self, first: str) -> Iterator[Stack]:
        self.opened.append(first)
        if first == self.broken:
            raise EndedEarly("The stack did not come within 180 s")
        yield cast("Stack", object())


def test_a_bound_counts_down_and_ends() -> None:
    bound = Bound(30, Clock(10))
    assert [bound.left for _ in range(4)] == [20, 10, 0, 0]
    with pytest.raises(EndedEarly, match="creating"):
        bound.check("creating")


def test_a_wait_ends_with_the_bound_and_not_later() -> None:
    with pytest.raises(EndedEarly):
        Bound(0).wait_for("Nothing", lambda: False, 3600)
    with pytest.raises(EndedEarly):
        Bound(0.05).sleep(3600, "idling")
    with pytest.raises(EndedEarly):
        Bound(0.05).sleep_until(datetime.now(UTC) + timedelta(hours=1))
    assert Bound(60).wait_for("Something", lambda: "found", 3600) == "found"


def test_every_part_has_a_time_that_grows_with_its_work() -> None:
    small, large = options.read({"N": "60", "SAMPLE": "6", "IDLE": "100"}), options.read({})
    for part in ("peak", "process", "serve", "celery", "idle"):
        assert 0 < seconds(part, small) < seconds(part, large)
    assert seconds("lag", small) > 0
    assert {seconds(part, options.read({"PART_SECONDS": "7"})) for part in large.parts} == {7}
    with pytest.raises(SystemExit, match="PART_SECONDS"):
        options.read({"PART_SECONDS": "soon"})


def test_watching_gives_up_with_what_came(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.peak.measuring._QUIET", 0.0)
    sink, due = Sink(), datetime.now(UTC) - timedelta(seconds=60)
    sink.taken["a@example.com"] += 1
    sink.at["a@example.com"] = due.timestamp() + 6
    found = watch(sink, [], due, 3, lambda: 1, Bound(0.1))
    assert (found.delivered, found.ended) == (1, 1)
    assert max(found.late) == pytest.approx(6.0)
    assert found.note[EARLY] == "1 of 3 had ended"
    assert found.gave_up_after == pytest.approx(60, abs=30)
    assert watch(sink, [], due, 1, lambda: 1, Bound(60)).note == {}


def test_what_was_given_up_is_not_faster_for_it() -> None:
    assert outcome([1.0, 4.0], n=30, gave_up_after=200.0).throughput == 0.01
    assert outcome([], gave_up_after=200.0).throughput is None


def test_a_whole_round_counts_rather_than_one_that_ended_early() -> None:
    made = {2: outcome([1.0, 20.0]), 4: outcome([0.1], gave_up_after=1.0), 8: outcome([0.1, 0.1])}
    tried: list[int] = []

    def one(limit: int, bound: Bound) -> Outcome:
        assert bound.seconds == 60
        tried.append(limit)
        return made[limit]

    found = rounds([2, 4, 8], 60, one)
    assert tried == [2, 4], "what a round leaves behind would disturb the next"
    assert (found["limit"], found["throughput_per_s"]) == (2, 0.1)
    assert "4 at once" in found[EARLY]


def test_a_round_without_figures_leaves_its_reason() -> None:
    def one(_limit: int, bound: Bound) -> Outcome:
        bound.check("creating schedules")
        raise AssertionError("The bound was over.")

    found = rounds([2], 0, one)
    assert set(found) == {EARLY}
    assert "creating schedules" in found[EARLY]


@pytest.mark.parametrize("late", [EndedEarly("no run came"), httpx.ReadTimeout("silent")])
def test_a_part_that_ends_early_says_so_and_the_next_gets_a_new_stack(late: BaseException) -> None:
    def slow(_stack: Stack) -> Mapping[str, Any]:
        raise late

    def partial(_stack: Stack) -> Mapping[str, Any]:
        return {"delivered": 8, EARLY: "only 8 of 1000 had ended"}

    def whole(_stack: Stack) -> Mapping[str, Any]:
        return {"start_lag_p99_s": 1.5}

    stacks = Stacks()
    kept: list[dict[str, Any]] = []
    found = parts.on_stacks(empty(), {"serve": slow, "peak": partial, "lag": whole}, stacks.open, kept.append)
    assert stacks.opened == ["serve", "peak", "lag"]
    assert set(found[EARLY]) == {"serve", "peak"}
    assert found[EARLY]["peak"].startswith("after 0 s: only 8 of 1000")
    assert (found["delivered"], found["start_lag_p99_s"], found["rivals"]["serve"]) == (8, 1.5, {})
    assert [sorted(each[EARLY]) for each in kept] == [["serve"], ["peak", "serve"], ["peak", "serve"]]


def test_parts_that_end_share_a_stack() -> None:
    stacks = Stacks()
    found = parts.on_stacks(empty(), {"lag": lambda _: {}, "peak": lambda _: {}}, stacks.open, lambda _: None)
    assert stacks.opened == ["lag"]
    assert found[EARLY] == {}


def test_a_stack_that_does_not_come_up_costs_one_part_only() -> None:
    stacks = Stacks(broken="lag")
    found = parts.on_stacks(
        empty(), {"lag": lambda _: {}, "peak": lambda _: {"delivered": 3}}, stacks.open, lambda _: None
    )
    assert stacks.opened == ["lag", "peak"]
    assert (set(found[EARLY]), found["delivered"]) == ({"lag"}, 3)


def test_another_error_is_not_taken_for_lateness() -> None:
    def broken() -> Mapping[str, Any]:
        raise SystemExit("worker ended with status 1")

    with pytest.raises(SystemExit, match="status 1"):
        parts.one(empty(), "celery", broken)


def test_the_table_says_what_ended_early_and_marks_nothing_of_it_as_met() -> None:
    figures = {"delivered": 8, "duplicates": 0, "throughput_per_s": 4.0, EARLY: "only 8 of 1000 had ended"}
    found = result.with_part(empty(), "peak", figures)
    found = result.with_part(found, "serve", {EARLY: "no run came"})
    cells = {row[0]: row for row in (table.row(goal, found) for goal in table.goals(1000, "sqlite"))}
    assert cells["delivered"][3] == table.NOT_MET
    assert cells["delivered twice"][3] == table.NONE
    assert "ended early" in cells["delivered"][1]
    assert cells["throughput, against flow.serve"][1] == "none, ended early"
    assert cells["idle: a poll"][1] == "not run"
    assert "Mailroom 4.0 (ended early)" in "\n".join(table.lines(found))
    early = [line for line in table.lines(found) if "ENDED EARLY" in line]
    assert len(early) == 2
    assert "only 8 of 1000" in early[0]
