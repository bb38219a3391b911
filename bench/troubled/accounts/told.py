"""Read what `/metrics` and `GET /stats` say of what is counted, under one kind of names. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from bench.troubled.accounts.count import Numbers, name

FAMILIES = frozenset(
    {
        "mailroom_occurrences", "mailroom_occurrences_on_time", "mailroom_occurrences_troubled",
        "mailroom_occurrences_recovered", "mailroom_deliveries", "mailroom_delivery_retries",
        "mailroom_due_to_delivered_seconds", "mailroom_lateness_seconds", "mailroom_occurrences_last_24h",
        "mailroom_service_level_ratio", "mailroom_service_level_counted", "mailroom_queue", "mailroom_schedules",
        "mailroom_incidents_open",
    }
)  # fmt: skip
"""The metrics whose numbers come from rows. The others are ages, goals and times that are estimated from buckets."""
_EQUAL_IN_STATS = ("due", "accounted", "unaccounted", "by_state")
_EQUAL_IN_FIGURES = ("outcomes", "totals", "channels", "stages", "queue", "schedules")
_ESTIMATED = ("p50", "p95", "p99", "trend")
_ADOPTION = "adoption"


def of_metrics(text: str) -> tuple[Numbers, list[str]]:
    """Return the samples that are compared, and the edges of the histograms' buckets as they are written."""
    found: Numbers = {}
    edges: dict[str, None] = {}
    for family in text_string_to_metric_families(text):
        if family.name not in FAMILIES:
            continue
        for sample in family.samples:
            if "le" in sample.labels:
                edges[sample.labels["le"]] = None
            if not sample.name.endswith("_created") and sample.labels.get("level") != _ADOPTION:
                found[name(sample.name, **sample.labels)] = sample.value
    return found, list(edges)


def of_stats(body: Mapping[str, Any]) -> Numbers:
    """Return the numbers that are compared, by where they stand in the answer."""
    found: Numbers = {}
    for key in _EQUAL_IN_STATS:
        found.update(_numbers(f"stats.{key}", body[key]))
    figures = body["figures"]
    levels: dict[str, dict[str, Any]] = {}
    for one in figures["levels"]:
        if one["level"] != _ADOPTION:
            levels.setdefault(one["level"], {})[one["period"]] = {
                part: one[part] for part in ("good", "total", "share")
            }
    found.update(_numbers("stats.figures.levels", levels))
    keys = {"channels": "channel", "stages": "stage"}
    for part in _EQUAL_IN_FIGURES:
        value = figures[part]
        if part in keys:
            value = {one[keys[part]]: {k: v for k, v in one.items() if k != keys[part]} for one in value}
        found.update(_numbers(f"stats.figures.{part}", value))
    return {key: value for key, value in found.items() if not _is_estimated(key)}


def _numbers(start: str, value: object) -> Iterator[tuple[str, float]]:
    """Return every number below a value, by its place; a time or nothing is none."""
    if isinstance(value, Mapping):
        for key, inside in value.items():
            yield from _numbers(f"{start}.{key}", inside)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield start, float(value)


def _is_estimated(key: str) -> bool:
    """Tell whether a number is no count of rows. Of the stages, only how many attempts delivered is one."""
    stage: Sequence[str] = ("stats.figures.stages.query", "stats.figures.stages.render")
    last = key.rpartition(".")[2]
    return last in _ESTIMATED or key.startswith(tuple(stage)) or key == "stats.figures.stages.deliver.average"
