"""What counts in a level, and when one is missed."""

from __future__ import annotations

import pytest

from mailroom.watching.counts.names import EDGES, Counts, bucket, merged, quantile, raised
from mailroom.watching.levels.decide import missed, on_time, recovery, success
from mailroom.watching.levels.spec import LevelName


def ended(success: int = 0, **others: int) -> Counts:
    """Return the counts of a period; all successes were on time."""
    counts = {"ended/success": float(success), "on_time": float(success)}
    return {**counts, **{f"ended/{state}": float(number) for state, number in others.items()}}


def test_missed_and_partial_are_failures_and_what_a_rule_or_a_person_ended_is_left_out() -> None:
    level = success(ended(90, failed=1, partial=2, missed=3, skipped=500, cancelled=400))
    assert (level.good, level.total) == (90, 96)


def test_what_failed_was_not_on_time() -> None:
    level = on_time({**ended(10, failed=2), "on_time": 9})
    assert (level.good, level.total, level.met) == (9, 12, False)


def test_a_level_is_met_at_its_goal_and_not_below() -> None:
    assert success(ended(999, failed=1)).met is True
    assert success(ended(998, failed=1)).met is False
    assert recovery({"troubled": 10, "recovered": 9}).met is True
    assert recovery({"troubled": 10, "recovered": 8}).met is False


def test_without_anything_counted_nothing_is_said() -> None:
    assert (success({}).share, success({}).met) == (None, None)
    assert missed({}, {}, {}) == {}


@pytest.mark.parametrize(("failures", "urgent"), [(2, None), (3, False), (9, False), (10, True)])
def test_few_runs_are_judged_by_their_failures(failures: int, urgent: bool | None) -> None:
    day = ended(1000 - failures, failed=failures)
    found = missed(day, {}, {}).get(LevelName.SUCCESS)
    assert (found and found.urgent) == urgent


@pytest.mark.parametrize(
    ("six_hours", "two_hours", "urgent"),
    [
        (ended(9941, failed=59), ended(9941, failed=59), None),  # 5.9 times as fast as promised.
        (ended(9939, failed=61), ended(9939, failed=61), False),
        (ended(9850, failed=150), ended(9850, failed=150), True),
        (ended(9850, failed=150), ended(10_000), None),  # It is over.
        (ended(10_000), ended(98, failed=2), None),  # It is too short to spend much.
    ],
)
def test_many_runs_are_judged_by_how_fast_failures_come(
    six_hours: Counts, two_hours: Counts, urgent: bool | None
) -> None:
    found = missed(ended(39_800, failed=200), six_hours, two_hours).get(LevelName.SUCCESS)
    assert (found and found.urgent) == urgent


def test_from_a_thousand_and_one_runs_a_day_the_rate_decides() -> None:
    assert LevelName.SUCCESS in missed(ended(990, failed=10), {}, {})
    assert LevelName.SUCCESS not in missed(ended(991, failed=10), {}, {})


def test_lateness_is_a_warning_and_says_nothing_of_a_handful() -> None:
    late = {**ended(30), "on_time": 28}
    found = missed(late, {}, {})
    assert list(found) == [LevelName.ON_TIME]
    assert not found[LevelName.ON_TIME].urgent
    assert missed({**ended(19), "on_time": 0}, {}, {}) == {}


def test_recovery_is_missed_where_retries_save_too_few() -> None:
    busy = {**ended(40), "troubled": 10.0}
    assert LevelName.RECOVERY in missed({**busy, "recovered": 8}, {}, {})
    assert LevelName.RECOVERY not in missed({**busy, "recovered": 9}, {}, {})
    assert LevelName.RECOVERY not in missed({**busy, "troubled": 2, "recovered": 0}, {}, {})


def test_an_edge_belongs_to_its_bucket() -> None:
    assert bucket(300) == EDGES.index(300.0)
    assert bucket(300.001) == EDGES.index(300.0) + 1
    assert bucket(10**9) == len(EDGES)


def test_quantiles_are_interpolated() -> None:
    five_minutes = EDGES.index(300.0)
    assert quantile({}, 0.5) is None
    assert quantile({five_minutes: 10}, 0.5) == 270
    assert quantile({five_minutes: 10}, 1) == 300
    assert quantile({0: 50, len(EDGES): 50}, 0.95) == EDGES[-1]


def test_a_total_rises_by_what_is_new_and_never_falls() -> None:
    most, rises = raised(
        {"ended/failed": 5, "retry/email": 2}, {"ended/failed": 4, "ended/success": 1, "retry/email": 3}
    )
    assert rises == {"ended/success": 1, "retry/email": 1}
    assert most == {"ended/failed": 5, "ended/success": 1, "retry/email": 3}
    assert raised(most, {"failure/email/smtp": 9})[1] == {}


def test_of_the_longest_the_longest_is_kept() -> None:
    hours = ({"report_max/sales": 9.0, "report/sales": 1.0}, {"report_max/sales": 4.0, "report/sales": 2.0})
    assert merged(hours) == {"report_max/sales": 9.0, "report/sales": 3.0}
