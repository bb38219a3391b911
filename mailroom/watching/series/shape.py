"""Make steps and lists of the counts of hours. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from mailroom.states import ExecutionState
from mailroom.watching.counts.names import HOUR, LONGEST, Counts, below, buckets, merged, quantile
from mailroom.watching.series.spec import DestinationFailures, SlowReport, Step

LONGEST_BY_HOUR = timedelta(days=7)
"""A longer period is told by day."""


def steps(hours: Mapping[datetime, Counts], start: datetime, end: datetime, zone: ZoneInfo) -> tuple[Step, ...]:
    """Return the steps from `start` up to `end`, those in which nothing was due as well.

    Hours begin at full hours of UTC, which are no full hours everywhere; a day has those that begin on it.
    """
    by_day = end - start > LONGEST_BY_HOUR + HOUR
    groups: dict[datetime, list[Counts]] = {}
    hour = start
    while hour < end:
        local = hour.astimezone(zone)
        # By the UTC instant, so that an hour that clocks repeat stays two.
        at = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0) if by_day else hour
        group = groups.setdefault(at, [])
        if hour in hours:
            group.append(hours[hour])
        hour += HOUR
    return tuple(_step(at.astimezone(zone), merged(group)) for at, group in groups.items())


def _step(at: datetime, counts: Counts) -> Step:
    outcomes = {ExecutionState(state): int(number) for state, number in below(counts, "ended").items() if number}
    late = buckets(counts, "late")
    return Step(at, outcomes, quantile(late, 0.5), quantile(late, 0.95))


def failures(counts: Counts, most: int) -> tuple[tuple[DestinationFailures, ...], int]:
    """Return the connections through which the most deliveries failed, and how many more there are."""
    sent, found = below(counts, "sent"), []
    for place, failed in below(counts, "failure").items():
        channel, _, connection = place.partition("/")
        found.append(DestinationFailures(channel, connection, int(failed), int(sent.get(place, failed))))
    found.sort(key=lambda one: (-one.failed, one.channel, one.connection))
    return tuple(found[:most]), max(0, len(found) - most)


def slowest(counts: Counts, titles: Mapping[str, str], most: int) -> tuple[tuple[SlowReport, ...], int]:
    """Return the reports that took longest on average, and how many more there are."""
    together, longest, found = below(counts, "report_sum"), below(counts, LONGEST), []
    for report_id, number in below(counts, "report").items():
        average = together.get(report_id, 0.0) / number
        title = titles.get(report_id, report_id)
        found.append(SlowReport(report_id, title, int(number), average, longest.get(report_id, average)))
    found.sort(key=lambda one: (-one.average, one.report_id))
    return tuple(found[:most]), max(0, len(found) - most)
