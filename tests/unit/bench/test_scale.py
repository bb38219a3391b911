"""What `make bench-scale` concludes from what it has seen: the judgement, the slope, the steps, and what it tells."""

from __future__ import annotations

import pytest

from bench.scale import books, extrapolate, kills, limits, options, result, table, touched
from bench.scale.books import Line, judge, lateness
from bench.scale.going_on import Kill
from bench.scale.limits import Machine
from bench.scale.touched import Claim
from prefect_mailroom.worker.claim_words import claim_of

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


MACHINE = Machine(
    cores=2,
    memory_mb=8_000,
    processes={"services": 2, "api": 2, "worker": 2},
    connections=400,
    poll_ms=4_000,
    look_s=60,
    share=0.01,
)


def test_the_cores_of_a_minute_are_what_all_kinds_spend() -> None:
    assert books.cores_for({"worker": 0.15, "prefect": 0.21, "postgres": 0.04}, 2_000) == 13.3
    assert books.cores_for({"worker": 0.15}, 400, seconds=30) == 2.0


def _row(schedules: int, services: float, postgres: float, **more: object) -> dict[str, object]:
    figures = {
        "idle_cpu_percent": services + postgres,
        "poll_ms": 10,
        "create_ms": 50.0,
        "reconcile_s": schedules / 500,
        "memory_mb_of": {"services": 300.0, "postgres": 100 + schedules / 1_000},
        "connections": 70,
    }
    return {
        "schedules": schedules,
        **figures,
        "idle_cpu_percent_of": {"services": services, "postgres": postgres},
        **more,
    }


SIZES = [_row(1_000, 6.0, 2.0), _row(5_000, 10.0, 2.5), _row(20_000, 25.0, 4.0)]


def test_the_slope_names_the_part_that_is_at_its_limit_first() -> None:
    far = extrapolate.far(SIZES, MACHINE, 100_000)
    assert far is not None
    assert far["reconcile_s"] == 200.0
    assert far["poll_ms"] == 10, "what does not grow stays"
    by_name = {row["part"]: row for row in far["limits"]}
    assert by_name["CPU of services, idle"]["value"] == 105.0
    assert far["limit"]["part"] == "CPU of services, idle", "it does its work in one process at a time"
    assert far["limit"]["bound"] == 100
    assert far["limit"]["reached_at_schedules"] == pytest.approx(95_000, abs=1)
    assert extrapolate.far(SIZES[:1], MACHINE) is None


def test_each_part_is_held_against_its_own_bound() -> None:
    found = {part.name: part for part in limits.parts(SIZES, MACHINE)}
    whole, postgres = found["CPU of the machine, idle"], found["CPU of postgres, idle"]
    assert whole.bound == 200.0
    assert whole.reached_at == pytest.approx(176_000, rel=0.02)
    assert postgres.bound == 200.0, "it has a process for each connection"
    assert found["memory of everything"].reached_at == pytest.approx((8_000 - 400) * 1_000, rel=0.01)
    tour = found["reading on through all schedules, against a day"]
    assert tour.at(20_000) == pytest.approx(20_000 / 500 / 0.01)
    assert tour.reached_at == pytest.approx(432_000, rel=0.01)
    assert found["connections of Postgres"].reached_at is None, "70 at every size"


def test_how_fast_prefect_plans_is_measured_once_and_holds_for_every_size() -> None:
    planned = [_row(1_000, 6.0, 2.0, planned_per_s=20.0), *SIZES[1:]]
    found = {part.name: part for part in limits.parts(planned, MACHINE)}
    planning = found["planning one run of each schedule, against a day"]
    assert (planning.at(20_000), planning.reached_at) == (1_000.0, 1_728_000)


def test_a_part_that_was_not_measured_at_every_size_is_left_out() -> None:
    some = [_row(1_000, 6.0, 2.0, look_s=0.1), _row(5_000, 10.0, 2.5)]
    names = [part.name for part in limits.parts(some, MACHINE)]
    assert "a look for drift, against the time between two" not in names
    both = [_row(1_000, 6.0, 2.0, look_s=0.1), _row(5_000, 10.0, 2.5, look_s=30.1)]
    assert limits.parts(both, MACHINE)[0].reached_at == pytest.approx(8_987, abs=5)
    assert limits.parts(both, MACHINE)[0].name == "a look for drift, against the time between two"


def _kill(kind: str, name: str, at: float) -> Kill:
    return Kill(kind, name, at, at - 100.0)


def test_what_a_killed_worker_held_is_told_apart_from_what_only_waited_its_turn() -> None:
    one, two = claim_of("worker-1"), claim_of("worker-2")
    claims = {
        "usual": [Claim(95.0, one)],
        "usual at the end": [Claim(180.0, one)],
        "lost": [Claim(110.0, two), Claim(140.0, one)],
        "beside": [Claim(110.0, one)],
        "never delivered": [Claim(110.0, two)],
    }
    at = {"usual": 104.0, "usual at the end": 184.0, "lost": 150.0, "beside": 114.0}
    found = touched.lateness(claims, at, [_kill("worker", "worker-2", 112.0)], 100.0)
    assert found == {"in_hand_p50_s": 4.0, "touched_by_kill": {"worker": 1}, "late_by_kill_s": {"worker": 36.0}}


def test_everything_in_hand_is_touched_where_what_all_need_is_killed() -> None:
    one = claim_of("worker-1")
    claims = {"a": [Claim(100.0, one)], "b": [Claim(110.0, one)], "c": [Claim(130.0, one)]}
    kills = [_kill("postgres", "postgres", 112.0), _kill("redis", "redis", 180.0)]
    found = touched.lateness(claims, {"a": 102.0, "b": 121.0, "c": 132.0}, kills, 100.0)
    assert found["late_by_kill_s"] == {"postgres": 9.0, "redis": None}
    assert found["touched_by_kill"] == {"postgres": 1, "redis": 0}


def test_the_table_shows_each_part_with_its_bound_and_names_the_limit() -> None:
    found = result.empty(options.read({}))
    for row in SIZES:
        found = result.with_growth(found, row, MACHINE)
    told = "\n".join(table.lines(found))
    assert "The limit is CPU of services, idle: 95,000 schedules." in told
    assert "it does not grow" in told


def test_kills_are_spread_over_the_peak_and_come_before_its_end() -> None:
    steps = [kills.step(number, 8, 2_000) for number in range(8)]
    assert steps == sorted(set(steps))
    assert steps[0] > 0
    assert steps[-1] < 2_000 * 0.9


def test_a_peak_can_be_measured_without_a_kill() -> None:
    assert options.read({"KILLS": "none"}).kills == ()
    assert options.read({}).kills == options.KINDS
    assert options.read({}).apart, "a whole host is lost as well"
    assert not options.read({"KILLS": "api,worker"}).apart
    assert not options.read({"PARTS": "growth"}).apart


@pytest.mark.parametrize(
    "wrong", [{"N": "10", "DUE": "20"}, {"SIZES": "5,5"}, {"PARTS": "all"}, {"KILLS": "cat"}, {"MINUTES": "0"}]
)
def test_wrong_options_are_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(SystemExit):
        options.read(wrong)


def test_a_part_that_is_not_run_stays_only_where_that_is_asked_for() -> None:
    growth = result.with_growth(result.empty(options.read({})), _row(1_000, 6.0, 2.0), MACHINE)
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
    late = {
        "cpu_s_per_delivery": {"api": 0.3},
        "cores_for_a_minute": 0.1,
        "in_hand_p50_s": 2.0,
        "touched_by_kill": {"api": 3},
        "late_by_kill_s": {"api": 7.5},
    }
    told = "\n".join(table.lines(result.with_peak(found, figures | late)))
    assert "7.5 s" in told
    assert "within a minute by 0.1 cores" in told
    assert result.is_good(whole), "what ended early before has been measured now"
