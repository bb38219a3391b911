"""Write a snapshot of figures as metrics for Prometheus. Pure.

Each combination of known labels is written from the beginning, at 0: a counter that appears with its first event would
hide that event. Counters are left out until the ledger was looked at once, since they would jump.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import TypeVar

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from mailroom.states import BreakerState, DeliveryState
from mailroom.watching.counts.names import EDGES, Counts, below, buckets
from mailroom.watching.figures.metrics import BY_NAME, METRICS
from mailroom.watching.figures.spec import Figures, Totals
from mailroom.watching.levels.spec import GOALS, Period
from prefect_mailroom.channels.registry import CHANNELS

OTHER = "other"
"""The channel of what went through one that this version does not know."""
MOST_LOOPS = 50
SEVERITIES = ("warning", "error", "critical")
SHOWN_EDGES = (1.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 14_400.0, 86_400.0)
_OUTCOMES = tuple(
    state for state in DeliveryState if state in ("delivered", "unknown", "refused", "failed", "suppressed")
)
Label = TypeVar("Label", bound=str)
Labelled = Iterable[tuple[tuple[str, ...], float]]


def exposition(figures: Figures, accept: str) -> tuple[bytes, str]:
    """Return the metrics and their media type: OpenMetrics where the scraper takes it, else Prometheus's own text."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Snapshot(figures))
    encode, media_type = choose_encoder(accept)
    return encode(registry), media_type


class _Snapshot(Collector):
    """Hands a snapshot over as families of metrics."""

    def __init__(self, figures: Figures) -> None:
        self._figures = figures

    def describe(self) -> Iterable[Family]:
        """Return nothing: the names are known, and each snapshot is registered once."""
        return ()

    def collect(self) -> Iterator[Family]:
        """Return the families in the order of their list."""
        made = {**_gauges(self._figures)}
        totals = self._figures.totals
        for metric in METRICS:
            if metric.kind == "gauge":
                yield _gauge(metric.name, made[metric.name])
            elif totals is not None:
                yield _COUNTED[metric.name](totals)


def _gauge(name: str, values: Labelled) -> Family:
    family = GaugeMetricFamily(name, BY_NAME[name].meaning, labels=BY_NAME[name].labels)
    for labels, value in values:
        family.add_metric(labels, value)
    return family


def _counter(name: str, values: Labelled) -> Family:
    family = CounterMetricFamily(name, BY_NAME[name].meaning, labels=BY_NAME[name].labels)
    for labels, value in values:
        family.add_metric(labels, value)
    return family


def _occurrences(totals: Totals) -> Family:
    ended = below(totals.counts, "ended")
    outcomes = ("success", "partial", "failed", "missed", "skipped", "cancelled")
    return _counter("mailroom_occurrences", [((one,), ended.get(one, 0)) for one in outcomes])


def _single(name: str, key: str) -> Callable[[Totals], Family]:
    return lambda totals: _counter(name, [((), totals.counts.get(key, 0))])


def by_channel(counts: Mapping[str, float]) -> dict[str, float]:
    """Return counts by channel, all known channels among them; what has another name is `other`, if there is any."""
    found: dict[str, float] = dict.fromkeys(CHANNELS, 0)
    for channel, number in counts.items():
        label = channel if channel in CHANNELS else OTHER
        found[label] = found.get(label, 0) + number
    return found


def _deliveries(totals: Totals) -> Family:
    values = []
    for outcome in _OUTCOMES:
        of_outcome = {
            name.partition("/")[0]: number
            for name, number in below(totals.counts, "delivery").items()
            if name.endswith(f"/{outcome}")
        }
        values += [((channel, str(outcome)), number) for channel, number in by_channel(of_outcome).items()]
    return _counter("mailroom_deliveries", values)


def _retries(totals: Totals) -> Family:
    values = by_channel(below(totals.counts, "retry"))
    return _counter("mailroom_delivery_retries", [((channel,), number) for channel, number in values.items()])


def _histogram(name: str, key: str) -> Callable[[Totals], Family]:
    def made(totals: Totals) -> Family:
        family = HistogramMetricFamily(name, BY_NAME[name].meaning, labels=BY_NAME[name].labels)
        sums = by_channel(below(totals.counts, f"{key}_sum"))
        for channel, total in sums.items():
            family.add_metric((channel,), _cumulative(_of_channel(totals.counts, key, channel)), total)
        return family

    return made


def _of_channel(counts: Counts, key: str, channel: str) -> dict[int, float]:
    if channel != OTHER:
        return buckets(counts, f"{key}/{channel}")
    found: dict[int, float] = {}
    for name, number in below(counts, key).items():
        unknown, _, place = name.partition("/")
        if unknown not in CHANNELS:
            found[int(place)] = found.get(int(place), 0) + number
    return found


def _cumulative(inside: Mapping[int, float]) -> list[tuple[str, float]]:
    """Return how many are within each edge that is shown, and how many there are."""
    found = [
        (str(edge), sum(number for place, number in inside.items() if place <= EDGES.index(edge)))
        for edge in SHOWN_EDGES
    ]
    return [*found, ("+Inf", sum(inside.values()))]


_COUNTED: Mapping[str, Callable[[Totals], Family]] = {
    "mailroom_occurrences": _occurrences,
    "mailroom_occurrences_on_time": _single("mailroom_occurrences_on_time", "on_time"),
    "mailroom_occurrences_troubled": _single("mailroom_occurrences_troubled", "troubled"),
    "mailroom_occurrences_recovered": _single("mailroom_occurrences_recovered", "recovered"),
    "mailroom_deliveries": _deliveries,
    "mailroom_delivery_retries": _retries,
    "mailroom_due_to_delivered_seconds": _histogram("mailroom_due_to_delivered_seconds", "due"),
    "mailroom_lateness_seconds": _histogram("mailroom_lateness_seconds", "lateness"),
}


def _gauges(figures: Figures) -> dict[str, Labelled]:
    """Return the values of every gauge by its name."""

    def age(since: datetime | None) -> float:
        return 0.0 if since is None else max(0.0, (figures.at - since).total_seconds())

    levels = [
        ((str(level.name), str(period)), level) for period, found in figures.levels.items() for level in found.every
    ]
    levels.append(((str(figures.adoption.name), str(Period.MONTH)), figures.adoption))
    queue = figures.queue
    states = {"waiting": queue.waiting, "running": queue.running, "retrying": queue.retrying, "held": queue.held}
    loops = sorted(figures.signs.items(), key=lambda one: one[1].at)[:MOST_LOOPS]
    totals = figures.totals
    return {
        "mailroom_occurrences_last_24h": _labelled(figures.outcomes),
        "mailroom_service_level_ratio": [(key, level.share) for key, level in levels if level.share is not None],
        "mailroom_service_level_counted": [(key, level.total) for key, level in levels],
        "mailroom_service_level_goal": _labelled(GOALS),
        "mailroom_stage_average_seconds": [
            ((str(one.stage),), one.average) for one in figures.stages if one.average is not None
        ],
        "mailroom_stage_seconds": [
            ((str(one.stage), share), seconds)
            for one in figures.stages
            for share, seconds in (("0.5", one.p50), ("0.95", one.p95), ("0.99", one.p99))
            if seconds is not None
        ],
        "mailroom_stage_trend_ratio": [
            ((str(one.stage),), one.trend) for one in figures.stages if one.trend is not None
        ],
        "mailroom_queue": _labelled(states),
        "mailroom_queue_oldest_due_seconds": [((), age(queue.oldest_due))],
        "mailroom_runs_under_way": [((), figures.under_way)],
        "mailroom_breakers": _labelled({state: figures.breakers.get(state, 0) for state in BreakerState}),
        "mailroom_schedules": _labelled(figures.schedules),
        "mailroom_sync_behind": _labelled(figures.sync.by_state),
        "mailroom_sync_lag_seconds": [((), age(figures.sync.oldest))],
        "mailroom_artifacts": [((), figures.artifacts)],
        "mailroom_artifact_bytes": [((), figures.artifact_bytes)],
        "mailroom_secret_age_seconds": [((name,), age(since)) for name, since in figures.secret_ages.items()],
        "mailroom_connection_secret_oldest_seconds": [((), age(figures.connection_secret_since))],
        "mailroom_loop_silent_seconds": [((name,), age(sign.at)) for name, sign in loops],
        "mailroom_loops_late": [((), sum(sign.late for sign in figures.signs.values()))],
        "mailroom_incidents_open": [((one,), figures.incidents.get(one, 0)) for one in SEVERITIES],
        "mailroom_counted_age_seconds": [((), age(totals.looked_until))] if totals else [],
    }


def _labelled(values: Mapping[Label, float]) -> Labelled:
    return [((str(label),), float(value)) for label, value in values.items()]
