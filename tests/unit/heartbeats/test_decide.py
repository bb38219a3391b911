"""Which processes live, which loops are silent, and which dead processes were replaced."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from mailroom.heartbeats.decide import is_witnessed, living, replaced_by, silent
from mailroom.heartbeats.spec import UPKEEP, WORKERS, WRITER, Beat

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
STEADY = timedelta(seconds=40)
A, B, C = "api one:1", "api one:2", "api two:3"


def beat(
    process: str, name: str = WRITER, *, heard: float = 5, began: float = 3600, limit: float = 40, steady: float = 600
) -> Beat:
    """Return a sign of life; times are seconds before now."""
    since = NOW - timedelta(seconds=steady)
    return Beat(
        name,
        process,
        NOW - timedelta(seconds=began),
        NOW - timedelta(seconds=heard),
        limit,
        {"steady_since": since.isoformat()} if name in (WRITER, UPKEEP) else {},
    )


def _subjects(*beats: Beat) -> list[str]:
    return [one.subject for one in silent(beats, NOW, besides={"sign"})]


@pytest.mark.parametrize(("heard", "late"), [(39.9, False), (40.0, False), (40.1, True)])
def test_a_process_is_dead_when_it_writes_nothing_for_longer_than_it_may(heard: float, late: bool) -> None:
    assert (A in living([beat(A, heard=heard)], NOW)) is not late
    assert _subjects(beat(A, heard=heard), beat(B)) == ([A] if late else [])


def test_the_loops_of_a_dead_process_are_not_told_beside_it() -> None:
    assert _subjects(beat(A, heard=400), beat(A, "watchdog", heard=900, limit=300), beat(B)) == [A]


def test_a_loop_that_hangs_in_a_process_that_lives_is_told_and_a_sign_is_not() -> None:
    found = silent(
        [
            beat(A),
            beat(A, "watchdog", heard=301, limit=300),
            beat(A, "rescue", heard=299, limit=300),
            beat(A, "sign", limit=0),
        ],
        NOW,
        besides={"sign"},
    )
    assert [(one.process, one.loop, one.since) for one in found] == [(A, "watchdog", NOW - timedelta(seconds=301))]


def test_a_process_that_began_after_the_death_of_another_of_its_role_replaces_it() -> None:
    assert _subjects(beat(A, heard=100), beat(C, began=90)) == []
    assert _subjects(beat(A, heard=100), beat(C, began=110)) == [A], "it was there before"
    assert _subjects(beat(A, heard=100), beat("other one:9", began=90)) == [A], "it does other work"


def test_one_process_replaces_one() -> None:
    both = [beat(A, heard=100), beat(B, heard=200)]
    assert _subjects(*both, beat(C, began=90)) == [B]
    assert _subjects(*both, beat(C, began=150)) == [A], "one that began before the second died replaces the first"
    assert _subjects(*both, beat(C, began=90), beat("api three:4", began=150)) == []


def test_who_ends_well_takes_along_the_dead_that_it_has_replaced() -> None:
    dead, before, after = beat(A, heard=100), beat(B), beat(C, began=90)
    assert replaced_by(C, [dead, before, after], NOW) == [A]
    assert replaced_by(B, [dead, before, after], NOW) == [], "it was there before, so it stands for nobody"
    assert replaced_by(C, [dead, after, beat("api three:4", began=80)], NOW) == [], "another one stands in for it"


def test_a_dead_process_replaces_nobody() -> None:
    assert _subjects(beat(A, heard=100), beat(C, began=90, heard=50)) == [A, C]


def test_the_upkeep_stands_for_the_workers() -> None:
    well, late = (beat(WORKERS, UPKEEP, heard=heard, limit=240) for heard in (200, 241))
    assert WORKERS in living([well], NOW)
    assert WORKERS not in living([late], NOW)
    assert _subjects(beat(A), well) == []
    assert _subjects(beat(A), late) == [f"{UPKEEP} of {WORKERS}"]
    assert _subjects(beat(A, heard=100), well) == [A], "a worker tells of the last API process"


def test_after_an_outage_of_the_database_nobody_is_judged_until_somebody_wrote_for_a_while() -> None:
    assert is_witnessed([beat(A)], NOW, steady_for=STEADY)
    assert not is_witnessed([beat(A, steady=39), beat(B, heard=300)], NOW, steady_for=STEADY)
    assert not is_witnessed([beat(A, heard=41)], NOW, steady_for=STEADY), "a dead process is no witness"
    assert is_witnessed([beat(A, heard=300), beat(WORKERS, UPKEEP, limit=240)], NOW, steady_for=STEADY)
    assert not is_witnessed([], NOW, steady_for=STEADY)
