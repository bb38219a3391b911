"""Count from the rows what metrics and stats must say, under the names that they have there. Pure.

The installation is a few hours old, so what is told of a day, a week and since the beginning is the same. No person
repaired a run, so the counters, which never go down, say what the ledger says now.

SQLite reckons with times in thousandths, so a sum of times may be off by one for each, and a time that is so little
above the end of a bucket may be counted in it. `allowed` tells by how much a number may be off for that alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

from bench.troubled.accounts.books import Books, Run, Sent

ENDED = ("success", "partial", "failed", "missed", "skipped", "cancelled")
_COUNTED = ("success", "partial", "failed", "missed")
_PERIODS = ("24h", "7d", "30d")
_ON_TIME_SECONDS = 300
_SAMPLED = 300
_BLUR = 0.002
Numbers = dict[str, float]


def name(metric: str, **labels: str) -> str:
    """Return how a sample of a metric is called: with its labels in the order of their names."""
    inside = ",".join(f'{label}="{value}"' for label, value in sorted(labels.items()))
    return f"{metric}{{{inside}}}" if inside else metric


def numbers(books: Books, edges: Sequence[str]) -> tuple[Numbers, Numbers]:
    """Return every number that has an equal there, and by how much some may be off; what has none must be 0 there.

    Args:
        edges: the upper ends of the buckets that the histograms have, as they are written there.
    """
    ended = [run for run in books.runs if run.status in ENDED]
    found: Counter[str] = Counter()
    for run in ended:
        found[name("mailroom_occurrences_total", outcome=run.status)] += 1
        found[name("mailroom_occurrences_last_24h", outcome=run.status)] += 1
        found[f"stats.by_state.{run.status}"] += 1
        found[f"stats.figures.outcomes.{run.status}"] += 1
        found[f"stats.figures.totals.{run.status}"] += 1
    for run in books.runs:
        for sent in run.deliveries:
            if sent.status == "delivered" or run.status in ENDED:
                found[name("mailroom_deliveries_total", channel=sent.channel, outcome=sent.status)] += 1
                found[f"stats.figures.channels.{sent.channel}.outcomes.{sent.status}"] += 1
            again = max(0, len(sent.attempts) - 1)
            found[name("mailroom_delivery_retries_total", channel=sent.channel)] += again
            found[f"stats.figures.channels.{sent.channel}.retries"] += again
    found["stats.accounted"] = found["stats.due"] = len(books.runs)
    exact: Numbers = {**found, **_standing(books)}
    allowed: Numbers = {}
    for values, blurs in (_levels(ended), _times(books.runs, ended, edges)):
        exact.update(values)
        allowed.update(blurs)
    if len(ended) <= _SAMPLED:
        sends = [outcome for run in ended for sent in run.deliveries for outcome in sent.attempts]
        exact["stats.figures.stages.deliver.measured"] = sends.count("delivered")
    return exact, allowed


def _levels(ended: Sequence[Run]) -> tuple[Numbers, Numbers]:
    counted = [run for run in ended if run.status in _COUNTED]
    succeeded = [run for run in counted if run.status == "success"]
    took = [_seconds(run.due_at, run.completed_at) for run in succeeded]
    on_time, blurred = _within(took, _ON_TIME_SECONDS)
    saved = [run for run in succeeded if _was_saved(run)]
    troubled = [run for run in ended if run.status in ("partial", "failed") or run in saved or _was_repaired(run)]
    recovered = [run for run in saved if not run.by_person]
    found: Numbers = {
        "mailroom_occurrences_on_time_total": on_time,
        "mailroom_occurrences_troubled_total": len(troubled),
        "mailroom_occurrences_recovered_total": len(recovered),
    }
    allowed: Numbers = {"mailroom_occurrences_on_time_total": blurred}
    levels = {
        "success": (len(succeeded), len(counted), 0),
        "on_time": (on_time, len(counted), blurred),
        "recovery": (len(recovered), len(troubled), 0),
    }
    for level, (good, total, blur) in levels.items():
        for period in _PERIODS:
            told = f"stats.figures.levels.{level}.{period}"
            found[name("mailroom_service_level_counted", level=level, period=period)] = found[f"{told}.total"] = total
            found[f"{told}.good"], allowed[f"{told}.good"] = good, blur
            if total:
                for key in (name("mailroom_service_level_ratio", level=level, period=period), f"{told}.share"):
                    found[key], allowed[key] = good / total, blur / total
    return found, allowed


def _was_saved(run: Run) -> bool:
    repeated = any(len(sent.attempts) > 1 for sent in run.deliveries)
    return run.passes > 1 and (run.faults > 0 or repeated)


def _was_repaired(run: Run) -> bool:
    return run.status == "success" and run.by_person


def _times(runs: Sequence[Run], ended: Sequence[Run], edges: Sequence[str]) -> tuple[Numbers, Numbers]:
    due: dict[str, list[float]] = {}
    late: dict[str, list[float]] = {}
    for run in runs:
        for sent in _confirmed(run):
            due.setdefault(sent.channel, []).append(_seconds(run.due_at, sent.delivered_at))
    for run in ended:
        last: dict[str, float] = {}
        for sent in _confirmed(run):
            last[sent.channel] = max(last.get(sent.channel, 0.0), _seconds(run.due_at, sent.delivered_at))
        for channel, seconds in last.items():
            late.setdefault(channel, []).append(seconds)
    found, allowed = Numbers(), Numbers()
    for metric, times in (("due_to_delivered", due), ("lateness", late)):
        for channel, took in times.items():
            told, labelled = f"stats.figures.channels.{channel}.{metric}", f"mailroom_{metric}_seconds"
            for edge in edges:
                bucket = name(f"{labelled}_bucket", channel=channel, le=edge)
                found[bucket], allowed[bucket] = _within(took, float(edge))
            total = name(f"{labelled}_sum", channel=channel)
            found[name(f"{labelled}_count", channel=channel)] = found[f"{told}.measured"] = len(took)
            found[total], allowed[total] = sum(took), _BLUR * len(took)
            found[f"{told}.average"], allowed[f"{told}.average"] = sum(took) / len(took), _BLUR
    return found, allowed


def _within(took: Sequence[float], limit: float) -> tuple[int, int]:
    """Return how many times are within a limit, and of how many more that cannot be told."""
    within = sum(one <= limit for one in took)
    return within, sum(one <= limit + _BLUR for one in took) - within


def _standing(books: Books) -> Numbers:
    found: Numbers = {}
    words = {"pending": "waiting", "running": "running", "retrying": "retrying"}
    for state, shown in words.items():
        number = sum(run.status == state for run in books.runs)
        found[name("mailroom_queue", state=shown)] = found[f"stats.figures.queue.{shown}"] = number
    for state, number in books.schedules.items():
        if state != "deleted":
            found[name("mailroom_schedules", state=state)] = found[f"stats.figures.schedules.{state}"] = number
    for severity, number in books.incidents.items():
        found[name("mailroom_incidents_open", severity=severity)] = number
    return found


def _confirmed(run: Run) -> Iterator[Sent]:
    return (sent for sent in run.deliveries if sent.status == "delivered")


def _seconds(first: datetime, then: datetime | None) -> float:
    assert then is not None, "what has come to its end has its time"
    return max(0.0, (then - first).total_seconds())
