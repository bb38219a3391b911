"""Name what is counted of an hour, and reckon with such counts. Pure.

Counts are numbers by name; the parts of a name are separated by a slash, which no part may have:

    ended/<state>                       occurrences that ended so
    on_time                             those that succeeded within five minutes of their time
    troubled, recovered                 those in which something failed, and of them those that a retry saved
    late/<bucket>, late_sum             successes by the seconds from due until they ended
    delivery/<channel>/<state>          deliveries; all that are confirmed, and what the others ended as
    retry/<channel>                     attempts after the first one of a delivery
    due/<channel>/<bucket>, due_sum/…   confirmed deliveries by the seconds from due until confirmed
    lateness/<channel>/<bucket>, …_sum  occurrences by the seconds from due until the last delivery of the channel
    sent/<channel>/<connection>         deliveries of ended occurrences through a connection
    failure/<channel>/<connection>      and of them those that are not confirmed
    stage/<stage>/<bucket>, …_sum       how long query, render and deliver took
    report/<id>, report_sum/<id>        how many renderings of a report there were, and their seconds together
    report_max/<id>                     the longest of them
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum

Counts = dict[str, float]


class Part(StrEnum):
    """The parts in which the counts of an hour are kept, each for its own readers.

    counts: what levels and charts need; short. flow: by channel and stage. detail: by connection and report; long.
    """

    COUNTS = "counts"
    FLOW = "flow"
    DETAIL = "detail"


_FLOW = frozenset({"delivery", "retry", "due", "due_sum", "lateness", "lateness_sum", "stage", "stage_sum"})
_DETAIL = frozenset({"sent", "failure", "report", "report_sum", "report_max"})

HOUR = timedelta(hours=1)
EDGES = (
    *(0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 7.5, 10.0, 15.0, 20.0, 30.0, 45.0),
    *(60.0, 90.0, 120.0, 180.0, 240.0, 300.0, 450.0, 600.0, 900.0, 1200.0, 1800.0),
    *(3600.0, 7200.0, 14_400.0, 43_200.0, 86_400.0),
)
"""The upper ends of the buckets of seconds, each included; the last bucket has no end."""
LONGEST = "report_max"
TOTALLED = frozenset(
    {
        *("ended", "on_time", "troubled", "recovered", "delivery", "retry"),
        *("due", "due_sum", "lateness", "lateness_sum"),
    }
)
"""The first parts of the names that are totalled since the beginning; the others are only kept by the hour."""


def part_of(name: str) -> Part:
    """Return the part in which a count is kept."""
    first = name.partition("/")[0]
    return Part.FLOW if first in _FLOW else Part.DETAIL if first in _DETAIL else Part.COUNTS


def in_parts(counts: Mapping[str, float]) -> dict[str, Counts]:
    """Return counts by the part in which they are kept."""
    found: dict[str, Counts] = {part: {} for part in Part}
    for name, number in counts.items():
        found[part_of(name)][name] = number
    return found


def day_of(moment: datetime) -> datetime:
    """Return the beginning of the day of a moment, in UTC."""
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def hour_of(moment: datetime) -> datetime:
    """Return the beginning of the hour of a moment, in UTC."""
    return moment.replace(minute=0, second=0, microsecond=0)


def bucket(seconds: float) -> int:
    """Return the number of the bucket of so many seconds."""
    return bisect_left(EDGES, seconds)


def add(counts: Counts, name: str, number: float = 1) -> None:
    """Add to a count."""
    counts[name] = counts.get(name, 0) + number


def merged(every: Iterable[Mapping[str, float]]) -> Counts:
    """Return the counts of several hours together."""
    found: Counts = {}
    for counts in every:
        for name, number in counts.items():
            if name.startswith(LONGEST):
                found[name] = max(found.get(name, 0), number)
            else:
                found[name] = found.get(name, 0) + number
    return found


def raised(most: Mapping[str, float], counts: Mapping[str, float]) -> tuple[Counts, Counts]:
    """Return the most that each totalled count ever was, given what it is now, and by how much each has risen."""
    rises: Counts = {}
    for name, number in counts.items():
        if name.partition("/")[0] in TOTALLED and number > most.get(name, 0):
            rises[name] = number - most.get(name, 0)
    return {**most, **{name: counts[name] for name in rises}}, rises


def below(counts: Mapping[str, float], name: str) -> Counts:
    """Return the counts whose names begin with `name/`, by the rest of their names."""
    start = f"{name}/"
    return {key[len(start) :]: number for key, number in counts.items() if key.startswith(start)}


def quantile(buckets: Mapping[int, float], share: float) -> float | None:
    """Return the seconds that a share of what is in the buckets does not exceed; None where nothing is.

    Within a bucket it is interpolated, as Prometheus does; of what lies beyond the last edge, that edge is told.
    """
    total = sum(buckets.values())
    if total <= 0:
        return None
    wanted, before = share * total, 0.0
    for number in sorted(buckets):
        inside = buckets[number]
        if inside > 0 and before + inside >= wanted:
            if number >= len(EDGES):
                return EDGES[-1]
            low = EDGES[number - 1] if number else 0.0
            return low + (EDGES[number] - low) * max(0.0, wanted - before) / inside
        before += inside
    return EDGES[-1]


def buckets(counts: Mapping[str, float], name: str) -> dict[int, float]:
    """Return the buckets that are counted under a name."""
    return {int(rest): number for rest, number in below(counts, name).items() if rest.isdigit()}
