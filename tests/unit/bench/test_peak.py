"""The bench of the peak: what it decides without a clock or a process."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bench.peak import copies, options, result, table, usage
from bench.peak.measuring import Outcome, quantiles
from bench.peak.rivals.best import figures
from bench.peak.stack import renderings


def outcome(late: list[float], n: int = 2) -> Outcome:
    return Outcome(n=n, delivered=len(late), duplicates=0, late=late, cpu={}, pss_mb={}, ended=len(late))


def full(**figures: Any) -> dict[str, Any]:
    return result.empty(options.read({})) | figures


def test_every_part_runs_unless_some_are_named() -> None:
    assert options.read({}).parts == {"lag", "peak", "process", "serve", "celery", "idle"}
    assert options.read({"PARTS": "peak, celery"}).parts == {"peak", "celery"}
    assert options.read({"PARTS": "rivals"}).parts == {"process", "serve", "celery"}


@pytest.mark.parametrize(
    ("name", "value"), [("N", "0"), ("REPORTS", "x"), ("BACKEND", "mysql"), ("PARTS", "peek"), ("LIMITS", "2,")]
)
def test_a_wrong_option_is_named(name: str, value: str) -> None:
    with pytest.raises(SystemExit, match=name):
        options.read({name: value})


def test_a_sample_shares_reports_as_the_peak_does() -> None:
    assert options.Options(n=1000, reports=50).reports_of(30) == 2
    assert options.Options(n=1000, reports=1000).reports_of(30) == 30
    assert options.Options(n=1000, reports=1).reports_of(30) == 1


def test_throughput_counts_from_the_due_time_to_the_last_receipt() -> None:
    assert outcome([1.0, 4.0]).throughput == 0.5
    assert outcome([]).throughput is None


def test_quantiles_of_too_few_are_none() -> None:
    assert quantiles([1.0]) is None
    assert quantiles([0.0, 100.0]) == {"p50": 50.0, "p95": 95.0, "p99": 99.0}


def test_the_best_round_of_a_rival_counts() -> None:
    best = figures([(2, outcome([1.0, 4.0])), (4, outcome([1.0, 2.0])), (8, outcome([]))])
    assert (best["limit"], best["throughput_per_s"]) == (4, 1.0)


def test_ratios_need_both_sides() -> None:
    one = result.with_rival(full(throughput_per_s=10.0), "celery", {"throughput_per_s": 8.0})
    assert result.with_ratios(one)["ratio"] == {"process": None, "serve": None, "celery": 1.25}
    assert result.with_ratios(full(throughput_per_s=10.0))["ratio"] is None
    assert result.with_ratios(one | {"throughput_per_s": None})["ratio"] is None


@pytest.mark.parametrize(
    ("backend", "p95", "marks"), [("sqlite", 200, "✓"), ("postgres", 100, "✓ ✗"), ("postgres", 151, "✗ ✗")]
)
def test_marks_are_those_of_the_backend(backend: str, p95: float, marks: str) -> None:
    goal = next(goal for goal in table.goals(1000, backend) if goal.name.startswith("lateness"))
    assert table.row(goal, full(lateness_s={"p95": p95}))[3] == marks


def test_a_lost_delivery_is_marked() -> None:
    goal = table.goals(1000, "sqlite")[0]
    assert table.row(goal, full(delivered=999))[3] == table.NOT_MET
    assert table.row(goal, full(delivered=1000))[3] == table.MET


def test_what_was_not_run_has_no_mark() -> None:
    for goal in table.goals(1000, "sqlite"):
        assert table.row(goal, full())[1::2] == ("not run", table.NONE)
    assert any("little" in line for line in table.lines(full() | {"n": 20}))


def test_processes_are_told_by_their_command() -> None:
    assert usage.part_of("python -m embedded.prefect_server server start --port 1") == "server"
    assert usage.part_of("python -m prefect worker start --type process") == "worker"
    assert usage.part_of("python -m celery -A bench.peak.rivals.celery_app worker") == "worker"
    assert usage.part_of("redis-server 127.0.0.1:6379") == "broker"
    assert usage.part_of("python -m cli.main up") is None


def test_copies_are_due_far_from_now() -> None:
    now = datetime(2026, 1, 5, 22, 30, 15, tzinfo=UTC)
    due = copies.moments(5000, now)
    assert len(due) == 5000
    assert timedelta(hours=2, minutes=59) <= min(due) - now
    assert max(due) - now <= timedelta(hours=21)
    assert copies.cron(due[0]) == "30 1 * * *"


def test_renderings_are_counted_by_the_log(tmp_path: Path) -> None:
    log = tmp_path / "renderers.log"
    log.write_text(
        "INFO bench-0 (pdf, xlsx): done after 1 s.\nINFO warm-0 (pdf): done after 1 s.\nINFO bench-1 (pdf): x\n"
    )
    assert renderings(log, "bench") == 1
