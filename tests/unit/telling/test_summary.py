"""What a summary says, from facts."""

from __future__ import annotations

from datetime import UTC, datetime

from mailroom.setting_groups.telling import TellingSettings
from mailroom.states import ExecutionState, ScheduleState
from mailroom.telling.periods import Period, summary_period
from mailroom.telling.summary.content import MOST_COMING, MOST_FAILED, Summary, summary_of
from mailroom.telling.summary.facts import Failed, Planned, SummaryFacts

ZONE = "Europe/Berlin"
NOW = datetime(2026, 11, 30, 7, 10, tzinfo=UTC)
BORN = datetime(2026, 1, 1, tzinfo=UTC)


def week() -> Period:
    found = summary_period(ZONE, TellingSettings(), now=NOW)
    assert found is not None
    return found


def planned(name: str, state: ScheduleState = ScheduleState.ACTIVE, **timing: object) -> Planned:
    daily = {"frequency": "daily", "at": "09:00", "timezone": ZONE}
    return Planned("ada", f"id-{name}", name, state, timing or daily, BORN)


def of(*schedules: Planned, **facts: object) -> Summary:
    found = summary_of(SummaryFacts({"ada": schedules}, **facts), "ada", ZONE, week(), {})  # type: ignore[arg-type]  # by name
    assert found is not None
    return found


def test_somebody_without_schedules_gets_none() -> None:
    assert summary_of(SummaryFacts(), "ada", ZONE, week(), {}) is None


def test_figures_are_of_all_schedules_together_and_bad_ones_stand_only_where_there_are_any() -> None:
    runs = {"id-a": {ExecutionState.SUCCESS: 5, ExecutionState.FAILED: 1}, "id-b": {ExecutionState.SUCCESS: 2}}
    found = of(planned("a"), planned("b"), runs=runs, deliveries={"id-a": 11, "id-b": 2})
    assert [(figure.value, figure.tone) for figure in found.figures] == [(7, "good"), (13, "plain"), (1, "bad")]
    quiet = of(planned("a"))
    assert [figure.value for figure in quiet.figures] == [0, 0]


def test_what_comes_is_counted_from_the_time_of_the_mail_to_the_end_of_the_week() -> None:
    monday = planned("monday", frequency="weekly", days=["mon"], at="07:30", timezone=ZONE)
    found = of(planned("daily"), monday)
    # 07:30 is over by the time of the mail, at 08:00; the next Monday is of the next summary.
    assert [line.name for line in found.coming] == ["daily"]
    assert found.runs_ahead == 7
    assert found.coming[0].when == "Mon 30 Nov, 09:00"


def test_what_comes_is_in_the_zone_of_the_user() -> None:
    tokyo = planned("tokyo", frequency="daily", at="09:00", timezone="Asia/Tokyo")
    assert of(tokyo).coming[0].when == "Tue 1 Dec, 01:00"


def test_paused_and_suspended_schedules_come_not_and_are_named() -> None:
    found = of(planned("a"), planned("b", ScheduleState.PAUSED), planned("c", ScheduleState.SUSPENDED))
    assert [line.name for line in found.coming] == ["a"]
    assert found.standing == "1 active schedule, 1 paused, 1 suspended"


def test_what_cannot_be_read_any_more_does_not_keep_the_rest_from_being_told() -> None:
    assert [line.name for line in of(planned("a"), planned("broken", frequency="never")).coming] == ["a"]


def test_many_lines_are_counted() -> None:
    failed = [Failed("ada", "a", f"e{n}", BORN, ExecutionState.FAILED, "No answer.") for n in range(MOST_FAILED + 3)]
    found = of(*(planned(f"s{n:02}") for n in range(MOST_COMING + 2)), failed={"ada": failed})
    assert (len(found.failed), found.more_failed) == (MOST_FAILED, 3)
    assert (len(found.coming), found.more_coming) == (MOST_COMING, 2)
    assert "No answer." in found.failed[0].words
