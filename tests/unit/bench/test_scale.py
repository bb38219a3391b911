"""What `make bench-scale` concludes from what it has seen: the judgement, the slope, the steps, and what it tells."""

from __future__ import annotations

import pytest

from bench.scale import extrapolate, kills, options, result, table
from bench.scale.books import Line, judge, lateness

DELIVERED = [Line("ada", "success", "delivered", 1, 0), Line("bob", "success", "delivered", 1, 0)]
BOTH = ("ada", "bob")


def test_a_peak_without_a_fault_is_good() -> None:
    judged = judge(BOTH, {"ada": 1, "bob": 1}, DELIVERED)
    assert (judged.delivered, judged.twice, judged.faults) == (2, 0, [])


def test_a_mail_that_never_came_is_a_fault_whatever_the_ledger_says() -> None:
    judged = judge(BOTH, {"ada": 1}, DELIVERED)
    assert (judged.delivered, judged.missing, len(judged.faults)) == (1, ("bob",), 1)


def test_a_mail_that_the_ledger_does_not_know_is_a_fault() -> None:
    judged = judge(BOTH, {"ada": 1, "bob": 1}, DELIVERED[:1])
    assert (judged.delivered, judged.unconfirmed, len(judged.faults)) == (1, ("bob",), 1)


def test_a_second_mail_is_a_fault_unless_an_attempt_had_an_unknown_end() -> None:
    again = judge(BOTH, {"ada": 2, "bob": 1}, DELIVERED)
    assert (again.twice, again.twice_after_unknown, len(again.faults)) == (1, 0, 1)
    lost = [Line("ada", "success", "delivered", 2, 1), DELIVERED[1]]
    excused = judge(BOTH, {"ada": 2, "bob": 1}, lost)
    assert (excused.twice, excused.twice_after_unknown, excused.faults) == (1, 1, [])
    assert len(judge(BOTH, {"ada": 3, "bob": 1}, lost).faults) == 1, "one unknown end excuses one mail"


def test_lateness_counts_the_wanted_recipients_alone() -> None:
    found = lateness({"ada": 110.0, "bob": 130.0, "a probe": 900.0}, BOTH, 100.0)
    assert (found["p50_s"], found["latest_s"]) == (20.0, 30.0)
    assert lateness({"ada": 110.0}, BOTH, 100.0)["p95_s"] is None


def _row(schedules: int, services: float, postgres: float) -> dict[str, object]:
    figures = {
        "idle_cpu_percent": services + postgres,
        "poll_ms": 10,
        "create_ms": 50.0,
        "reconcile_s": schedules / 500,
    }
    return {"schedules": schedules, **figures, "idle_cpu_percent_of": {"services": services, "postgres": postgres}}


def test_the_slope_names_the_kind_that_is_at_its_limit_first() -> None:
    far = extrapolate.far([_row(1_000, 6.0, 2.0), _row(5_000, 10.0, 2.5), _row(20_000, 25.0, 4.0)], 100_000)
    assert far is not None
    assert far["reconcile_s"] == 200.0
    assert far["poll_ms"] == 10, "what does not grow stays"
    assert far["idle_cpu_percent_of"]["services"] == 105.0
    assert far["limit"]["kind"] == "services"
    assert far["limit"]["core_full_at_schedules"] == pytest.approx(95_000, abs=1)
    assert extrapolate.far([_row(1_000, 6.0, 2.0)]) is None


def test_kills_are_spread_over_the_peak_and_come_before_its_end() -> None:
    steps = [kills.step(number, 8, 2_000) for number in range(8)]
    assert steps == sorted(set(steps))
    assert steps[0] > 0
    assert steps[-1] < 2_000 * 0.9


@pytest.mark.parametrize(
    "wrong", [{"N": "10", "DUE": "20"}, {"SIZES": "5,5"}, {"PARTS": "all"}, {"KILLS": "cat"}, {"MINUTES": "0"}]
)
def test_wrong_options_are_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(SystemExit):
        options.read(wrong)


def test_a_part_that_is_not_run_stays_only_where_that_is_asked_for() -> None:
    growth = result.with_growth(result.empty(options.read({})), _row(1_000, 6.0, 2.0))
    peak_alone = options.read({"PARTS": "peak", "KEEP": "1"})
    assert result.begun(peak_alone, growth)["growth"] == growth["growth"]
    assert result.begun(peak_alone, None)["growth"] is None
    assert result.begun(options.read({"KEEP": "1"}), growth)["growth"] is None, "it is run again"


def test_the_table_tells_what_ended_early_and_what_was_broken() -> None:
    asked = options.read({"N": "40", "DUE": "20", "KILLS": "worker,api"})
    assert asked.kills == ("api", "worker")
    figures = {"due": 20, "delivered": 19, "twice": 0, "twice_after_unknown": 0, "kills": 1, "faults": ["One is gone."]}
    figures |= {"seconds_to_go_on": {"api": 0.4}, "seconds_until_back": {"api": 9.0}, "killed_after_s": {"api": 3.0}}
    found = result.with_peak(result.empty(asked), figures | {result.EARLY: "its time was over"})
    assert not result.is_good(found)
    told = "\n".join(table.lines(found))
    assert "BROKEN: One is gone." in told
    assert "ENDED EARLY" in told
    assert "9.0 s" in told
    whole = result.with_peak(found, {**figures, "delivered": 20, "faults": []})
    assert result.is_good(whole), "what ended early before has been measured now"
