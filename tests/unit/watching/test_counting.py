"""Which hours are counted anew, what a rendering took, and how hours become the steps of a chart."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from mailroom.states import ExecutionState
from mailroom.watching.counts.count import stages_of
from mailroom.watching.counts.names import HOUR, Part, hour_of, in_parts
from mailroom.watching.counts.refresh import KEPT, changed
from mailroom.watching.series import shape

NOW = datetime(2026, 11, 26, 12, 10, tzinfo=UTC)
THIS = hour_of(NOW)


def test_the_latest_hours_are_always_counted_and_others_where_something_ended() -> None:
    due = [NOW - timedelta(hours=30), NOW - timedelta(hours=30, minutes=5), NOW + HOUR]
    found = changed(due, last=NOW - timedelta(seconds=15), now=NOW)
    assert found == [hour_of(due[0]), THIS - 2 * HOUR, THIS - HOUR, THIS]


def test_after_an_absence_every_hour_since_is_counted() -> None:
    found = changed([], last=NOW - timedelta(hours=10), now=NOW)
    assert found == [THIS - number * HOUR for number in range(10, -1, -1)]


def test_what_is_older_than_is_kept_stays_as_it_was_counted() -> None:
    assert changed([NOW - KEPT - HOUR], last=NOW, now=NOW)[0] == THIS - 2 * HOUR
    assert changed([NOW - KEPT], last=NOW, now=NOW)[0] == hour_of(NOW - KEPT)


def rendering(*begins: int, **more: object) -> dict[str, object]:
    """Return a stored rendering of ten seconds, whose files were begun after so many."""
    files = [{"format": "pdf", "began_at": f"2026-11-26T12:00:{second:02}Z"} for second in begins]
    whole = {"began_at": "2026-11-26T12:00:00Z", "ended_at": "2026-11-26T12:00:10Z", "files": files}
    return {**whole, **more}


def test_the_query_lasts_until_the_first_file_begins() -> None:
    assert stages_of(rendering(7, 4)) == {"query": 4, "render": 6}


@pytest.mark.parametrize("none", [rendering(), rendering(4, failed=True), rendering(4, ended_at=None), {"later": 1}])
def test_what_was_not_made_took_no_time(none: dict[str, object]) -> None:
    assert stages_of(none) == {}


def test_each_count_is_kept_in_one_part() -> None:
    names = {"ended/success", "late/3", "due/email/4", "stage_sum/query", "sent/email/smtp", "report_max/sales"}
    parts = in_parts(dict.fromkeys(names, 1.0))
    assert {part: set(counts) for part, counts in parts.items()} == {
        Part.COUNTS: {"ended/success", "late/3"},
        Part.FLOW: {"due/email/4", "stage_sum/query"},
        Part.DETAIL: {"sent/email/smtp", "report_max/sales"},
    }


def test_hours_are_told_in_a_zone_with_half_hours_and_repeated_hours_stay_two() -> None:
    one = {"ended/success": 1.0}
    india = shape.steps({THIS: one}, THIS - HOUR, THIS + HOUR, ZoneInfo("Asia/Kolkata"))
    assert [(step.at.hour, step.at.minute, step.total) for step in india] == [(16, 30, 0), (17, 30, 1)]
    back = datetime(2026, 10, 25, 0, tzinfo=UTC)  # At three o'clock in Berlin it is two again.
    berlin = shape.steps({back: one, back + HOUR: one}, back, back + 2 * HOUR, ZoneInfo("Europe/Berlin"))
    assert [(step.at.hour, step.at.fold, step.total) for step in berlin] == [(2, 0, 1), (2, 1, 1)]


def test_lists_are_cut_and_say_how_many_more_there_are() -> None:
    counts = {f"failure/email/c{number}": float(number) for number in range(1, 13)}
    rows, more = shape.failures({**counts, "sent/email/c12": 40.0}, 10)
    assert (len(rows), more) == (10, 2)
    assert (rows[0].connection, rows[0].failed, rows[0].total) == ("c12", 12, 40)
    reports = {"report/slow": 2.0, "report_sum/slow": 60.0, "report_max/slow": 45.0, "report/quick": 1.0}
    found, none = shape.slowest({**reports, "report_sum/quick": 1.0}, {"slow": "Slow one"}, 1)
    assert [(one.title, one.average, one.longest) for one in found] == [("Slow one", 30, 45)]
    assert none == 1


def test_a_step_tells_outcomes_and_lateness() -> None:
    (step,) = shape.steps({THIS: {"ended/missed": 2.0, "late/19": 4.0}}, THIS, THIS + HOUR, ZoneInfo("UTC"))
    assert step.outcomes == {ExecutionState.MISSED: 2}
    assert (step.p50, step.p95) == (270, 297)
