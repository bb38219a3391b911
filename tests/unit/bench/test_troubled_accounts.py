"""The accounts of the troubled hour: what is counted from rows, what is read of metrics and stats, what differs."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bench.troubled import scenario
from bench.troubled.accounts import told
from bench.troubled.accounts.books import Books, Run, Sent
from bench.troubled.accounts.compare import Comparison, compare
from bench.troubled.accounts.count import ENDED, Numbers, name, numbers
from bench.troubled.checker import Verdict
from mailroom.states import ExecutionState
from mailroom.watching.counts.count import ON_TIME_SECONDS
from mailroom.watching.figures.metrics import METRICS
from mailroom.watching.levels.decide import COUNTED

DUE = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
EDGES = ["5.0", "300.0", "+Inf"]
NO_COUNTS_OF_ROWS = {
    "mailroom_service_level_goal", "mailroom_stage_average_seconds", "mailroom_stage_seconds",
    "mailroom_stage_trend_ratio", "mailroom_queue_oldest_due_seconds", "mailroom_runs_under_way", "mailroom_breakers",
    "mailroom_sync_behind", "mailroom_sync_lag_seconds", "mailroom_artifacts", "mailroom_artifact_bytes",
    "mailroom_secret_age_seconds", "mailroom_connection_secret_oldest_seconds", "mailroom_loop_silent_seconds",
    "mailroom_loops_late", "mailroom_counted_age_seconds",
}  # fmt: skip


def sent(seconds: float | None, *attempts: str, channel: str = "email") -> Sent:
    at = None if seconds is None else DUE + timedelta(seconds=seconds)
    return Sent(channel, attempts[-1], at, attempts)


def run(status: str, ended: float, *deliveries: Sent, passes: int = 1) -> Run:
    return Run(status, DUE, DUE + timedelta(seconds=ended), passes, 0, by_person=False, deliveries=deliveries)


@pytest.fixture
def books() -> Books:
    """Return three runs: one at once, one saved by a retry and late, one in which somebody is refused."""
    runs = [
        run("success", 6, sent(5, "delivered"), sent(5.5, "delivered", channel="sftp")),
        run("success", 401, sent(400, "unknown", "failed", "delivered"), passes=2),
        run("partial", 9, sent(4, "delivered"), sent(None, "refused")),
    ]
    return Books(runs, {"active": 3, "deleted": 1}, {"error": 2})


def test_rows_are_counted_under_the_names_of_metrics_and_stats(books: Books) -> None:
    found, _ = numbers(books, EDGES)
    assert found[name("mailroom_occurrences_total", outcome="success")] == 2
    assert found["stats.figures.outcomes.partial"] == found["stats.by_state.partial"] == 1
    assert found["stats.accounted"] == 3
    assert found[name("mailroom_deliveries_total", channel="email", outcome="delivered")] == 3
    assert found[name("mailroom_deliveries_total", channel="email", outcome="refused")] == 1
    assert found[name("mailroom_delivery_retries_total", channel="email")] == 2
    assert found["mailroom_occurrences_on_time_total"] == found["mailroom_occurrences_recovered_total"] == 1
    assert found["mailroom_occurrences_troubled_total"] == 2
    assert found[name("mailroom_service_level_ratio", level="success", period="7d")] == pytest.approx(2 / 3)
    assert found["stats.figures.levels.recovery.24h.share"] == 0.5
    buckets = [found[name("mailroom_due_to_delivered_seconds_bucket", channel="email", le=edge)] for edge in EDGES]
    assert buckets == [2, 2, 3]
    assert found[name("mailroom_lateness_seconds_sum", channel="sftp")] == 5.5
    assert found[name("mailroom_lateness_seconds_bucket", channel="sftp", le="5.0")] == 0
    assert found["stats.figures.stages.deliver.measured"] == 4
    assert found["stats.figures.schedules.active"] == 3
    assert "stats.figures.schedules.deleted" not in found
    assert found[name("mailroom_incidents_open", severity="error")] == 2


def test_a_delivery_of_a_run_under_way_counts_once_it_is_confirmed(books: Books) -> None:
    under_way = replace(run("running", 0, sent(3, "delivered"), sent(None, "failed")), completed_at=None)
    found, _ = numbers(replace(books, runs=[under_way]), EDGES)
    assert found[name("mailroom_deliveries_total", channel="email", outcome="delivered")] == 1
    assert name("mailroom_deliveries_total", channel="email", outcome="failed") not in found
    assert name("mailroom_lateness_seconds_count", channel="email") not in found
    assert found[name("mailroom_queue", state="running")] == 1


def test_the_words_are_those_of_the_product() -> None:
    assert set(ENDED) == {state for state in ExecutionState if state.ended}
    assert {"success", "partial", "failed", "missed"} == set(COUNTED)
    assert ON_TIME_SECONDS == 300


def test_each_metric_is_compared_or_no_count_of_rows() -> None:
    assert {metric.name for metric in METRICS} == told.FAMILIES | NO_COUNTS_OF_ROWS
    assert not told.FAMILIES & NO_COUNTS_OF_ROWS


def test_metrics_are_read_with_their_edges() -> None:
    text = """# TYPE mailroom_lateness_seconds histogram
mailroom_lateness_seconds_bucket{channel="email",le="5.0"} 1.0
mailroom_lateness_seconds_bucket{channel="email",le="+Inf"} 2.0
mailroom_lateness_seconds_count{channel="email"} 2.0
mailroom_lateness_seconds_sum{channel="email"} 9.5
# TYPE mailroom_service_level_ratio gauge
mailroom_service_level_ratio{period="30d",level="adoption"} 1.0
mailroom_service_level_ratio{period="24h",level="success"} 0.5
# TYPE mailroom_loops_late gauge
mailroom_loops_late 1.0
"""
    found, edges = told.of_metrics(text)
    assert edges == ["5.0", "+Inf"]
    assert found == {
        'mailroom_lateness_seconds_bucket{channel="email",le="5.0"}': 1,
        'mailroom_lateness_seconds_bucket{channel="email",le="+Inf"}': 2,
        'mailroom_lateness_seconds_count{channel="email"}': 2,
        'mailroom_lateness_seconds_sum{channel="email"}': 9.5,
        'mailroom_service_level_ratio{level="success",period="24h"}': 0.5,
    }


@pytest.mark.parametrize(
    ("rows", "said", "differ"),
    [
        ({"a": 1}, {"a": 1, "b": 0}, 0),
        ({"a": 1}, {"a": 2}, 1),
        ({"a": 1, "b": 1}, {"a": 1}, 1),
        ({"a": 1}, {"a": 1, "b": 1}, 1),
        ({"a": 720.0}, {"a": 720.0004}, 1),
    ],
)
def test_each_number_that_differs_is_named(rows: Numbers, said: Numbers, differ: int) -> None:
    found = compare(rows, said)
    assert len(found.differences) == differ
    assert found.equal is (differ == 0)


def test_only_what_a_database_cannot_tell_may_be_off(books: Books) -> None:
    """One delivery came a thousandth after the end of a bucket, and times are kept in thousandths."""
    late = replace(books, runs=[run("success", 6, sent(5.001, "delivered"), sent(3, "delivered"))])
    bucket, total = "mailroom_due_to_delivered_seconds_bucket", "mailroom_due_to_delivered_seconds_sum"
    inside, outside, summed = (
        name(bucket, channel="email", le="5.0"),
        name(bucket, channel="email", le="300.0"),
        name(total, channel="email"),
    )
    expected, allowed = numbers(late, EDGES)
    assert (expected[inside], allowed[inside], allowed[outside]) == (1, 1, 0)
    for key, off, equal in ((inside, 1, True), (inside, 2, False), (outside, 1, False), (summed, 0.003, True)):
        assert compare(expected, {**expected, key: expected[key] + off}, allowed).equal is equal
    assert not compare(expected, {**expected, summed: expected[summed] + 0.01}, allowed).equal


@pytest.mark.parametrize("accounts", [Comparison({}), Comparison({"a": 1}, ["a is 2, and by the ledger 1."])])
def test_a_difference_is_a_fault_and_so_is_a_comparison_of_nothing(accounts: Comparison) -> None:
    found = scenario.figures(Verdict(), [], [], [], DUE, accounts)
    assert (found["good"], found["metrics_equal"]) == (False, False)
    assert scenario.figures(Verdict(), [], [], [], DUE, Comparison({"a": 1}))["good"]
