"""List the metrics at `/metrics`. Their names and labels are part of the contract; docs/operations/metrics.md has them.

Labels are bounded: they are words that the code knows. A name that a user gave, such as that of a schedule, connection
or recipient, is never one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["counter", "gauge", "histogram"]


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric; a counter's name ends in `_total` where it is read."""

    name: str
    kind: Kind
    labels: tuple[str, ...]
    meaning: str

    @property
    def shown(self) -> str:
        """Return the name under which Prometheus has it; a histogram has it with `_bucket`, `_sum` and `_count`."""
        return f"{self.name}_total" if self.kind == "counter" else self.name


_OF_CHANNEL = ("channel",)

METRICS = (
    Metric("mailroom_occurrences", "counter", ("outcome",), "Scheduled occurrences, by how they ended."),
    Metric("mailroom_occurrences_on_time", "counter", (), "Those that succeeded within five minutes of their time."),
    Metric("mailroom_occurrences_troubled", "counter", (), "Those in which something failed, whatever came of it."),
    Metric("mailroom_occurrences_recovered", "counter", (), "Those of the troubled ones that a retry saved."),
    Metric("mailroom_deliveries", "counter", ("channel", "outcome"), "Deliveries of such occurrences, by outcome."),
    Metric("mailroom_delivery_retries", "counter", _OF_CHANNEL, "Attempts after the first one of a delivery."),
    Metric(
        "mailroom_due_to_delivered_seconds",
        "histogram",
        _OF_CHANNEL,
        "The time from due until confirmed, of each confirmed delivery.",
    ),
    Metric(
        "mailroom_lateness_seconds",
        "histogram",
        _OF_CHANNEL,
        "The time from due until the last confirmed delivery of an occurrence through the channel.",
    ),
    Metric(
        "mailroom_occurrences_last_24h",
        "gauge",
        ("outcome",),
        "Scheduled occurrences that were due in the last 24 hours, by how they ended.",
    ),
    Metric("mailroom_service_level_ratio", "gauge", ("level", "period"), "The share that was as promised, 0 to 1."),
    Metric("mailroom_service_level_counted", "gauge", ("level", "period"), "How many it was counted of."),
    Metric("mailroom_service_level_goal", "gauge", ("level",), "The share that is promised."),
    Metric("mailroom_stage_average_seconds", "gauge", ("stage",), "The average time of a stage in the last 24 hours."),
    Metric(
        "mailroom_stage_seconds",
        "gauge",
        ("stage", "quantile"),
        "The time that this share of the last 24 hours did not exceed.",
    ),
    Metric(
        "mailroom_stage_trend_ratio",
        "gauge",
        ("stage",),
        "By what share the average is longer than in the seven days before: 0.1 is a tenth.",
    ),
    Metric("mailroom_queue", "gauge", ("state",), "Executions that have not ended, of every kind."),
    Metric("mailroom_queue_oldest_due_seconds", "gauge", (), "How long the oldest one waits to begin; 0 for none."),
    Metric("mailroom_runs_under_way", "gauge", (), "Runs that a living process of a worker works on."),
    Metric("mailroom_breakers", "gauge", ("state",), "Connections by the state of their breaker."),
    Metric("mailroom_schedules", "gauge", ("state",), "Schedules by state."),
    Metric("mailroom_sync_behind", "gauge", ("state",), "Schedules that Prefect does not show as they are wanted."),
    Metric("mailroom_sync_lag_seconds", "gauge", (), "How long the oldest of them waits; 0 for none."),
    Metric("mailroom_artifacts", "gauge", (), "Files that can be downloaded; counted every five minutes."),
    Metric("mailroom_artifact_bytes", "gauge", (), "Their bytes, each content once; counted every five minutes."),
    Metric("mailroom_secret_age_seconds", "gauge", ("secret",), "The age of a secret of the installation."),
    Metric("mailroom_connection_secret_oldest_seconds", "gauge", (), "The age of the oldest secret of a connection."),
    Metric("mailroom_loop_silent_seconds", "gauge", ("loop",), "The time since the last sign of life of a loop."),
    Metric("mailroom_loops_late", "gauge", (), "Loops that have been silent for longer than they may be."),
    Metric("mailroom_incidents_open", "gauge", ("severity",), "Open incidents that no other one covers."),
    Metric("mailroom_counted_age_seconds", "gauge", (), "The time since the ledger was last looked at for all this."),
)
BY_NAME = {metric.name: metric for metric in METRICS}
