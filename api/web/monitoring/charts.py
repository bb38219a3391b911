"""Draw how a period went and how things stand: each chart with its finding as a sentence. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from api.actions.monitoring.reading import House, Unread
from api.web import words
from api.web.drawings.charts import Chart, Series, bars, lines
from api.web.drawings.ranks import Rank, ranks
from api.web.executions.filters import Asked
from api.web.monitoring.figures import why
from api.web.parts import Link, Tone
from api.web.when import When, duration, share
from mailroom.states import ExecutionKind, ExecutionState
from mailroom.watching.levels.spec import Period
from mailroom.watching.series.spec import DayLoad, Queue, Step
from mailroom.watching.series.spec import Series as Drawn

S = ExecutionState
_GROUPS: tuple[tuple[str, Tone, tuple[S, ...]], ...] = (
    ("Delivered", "ok", (S.SUCCESS,)),
    ("Partly", "warn", (S.PARTIAL,)),
    ("Failed, missed", "bad", (S.FAILED, S.MISSED)),
    ("Left out", "off", (S.SKIPPED, S.CANCELLED)),
)
_BAD = (S.PARTIAL, S.FAILED, S.MISSED)
_QUARTER = timedelta(minutes=15)
_A_DAY = 26
_UNITS = ((120, 1, "s"), (7200, 60, "min"), (float("inf"), 3600, "h"))


@dataclass(frozen=True, slots=True)
class Panel:
    """A part of the page: a chart, or in its place a sentence; and where the list is that it counts."""

    id: str
    heading: str
    chart: Chart | None = None
    told: str = ""
    link: Link | None = None


def panels_of(house: House, period: Period, when: When) -> tuple[Panel, ...]:
    """Return the panels, in their order; those about runs are left out where there were none."""
    return (*_of_series(house.series, period, when), _queue(house.queue, when), _load(house.load, when))


def _of_series(series: Drawn | Unread, period: Period, when: When) -> list[Panel]:
    unit = "hour" if isinstance(series, Unread) or not series.by_day else "day"
    ids = {"outcomes": f"Outcomes by {unit}", "lateness": "Lateness"}
    ids |= {"destinations": "Failures by destination", "reports": "Slowest reports"}
    if isinstance(series, Unread):
        return [Panel(name, heading, told=f"– {why(series)}") for name, heading in ids.items()]
    if not any(step.total for step in series.steps):
        return []
    made = (_outcomes(series, period, when), _lateness(series, when), _failures(series, period), _slowest(series))
    return [Panel(name, heading, *one) for (name, heading), one in zip(ids.items(), made, strict=True)]


Parts = tuple[Chart | None, str, Link | None]


def _outcomes(series: Drawn, period: Period, when: When) -> Parts:
    rows = []
    for name, tone, states in _GROUPS:
        values = tuple(float(sum(step.outcomes.get(state, 0) for state in states)) for step in series.steps)
        if any(values):
            rows.append(Series(name, values, tone))
    counted = sum(step.outcomes.get(state, 0) for step in series.steps for state in (S.SUCCESS, *_BAD))
    bad = {step.at: sum(step.outcomes.get(state, 0) for state in _BAD) for step in series.steps}
    worst, most = max(bad.items(), key=lambda one: one[1])
    if most:
        said = (
            f"Of {words.count(counted, 'run')}, {sum(bad.values()):,} did not reach everybody, "
            f"most of them {_place(worst, series, when)}."
        )
    else:
        said = f"None of {words.count(counted, 'run')} failed or was missed."
    chart = bars(said, _labels(series, when), rows, axis=_axis(series, when))
    link = Link(Asked(kinds=(ExecutionKind.SCHEDULED,), period=str(period)).href(), "See these runs")
    return chart, "", link


def _lateness(series: Drawn, when: When) -> Parts:
    known = [step for step in series.steps if step.p95 is not None]
    if not known:
        return None, "Nothing was delivered, so there is no lateness.", None
    worst = max(known, key=lambda step: step.p95 or 0)
    said = (
        f"At worst, 95 % were delivered within {duration(worst.p95 or 0)} of their time, "
        f"{_place(worst.at, series, when)}."
    )
    factor, unit = next((factor, unit) for most, factor, unit in _UNITS if (worst.p95 or 0) < most)
    found = (
        Series("95 %", _scaled(series.steps, "p95", factor), "warn"),
        Series("half", _scaled(series.steps, "p50", factor)),
    )
    chart = lines(
        said, _labels(series, when), found, axis=_axis(series, when), words=lambda value: f"{value:.3g} {unit}"
    )
    return chart, "", None


def _scaled(steps: Sequence[Step], name: str, factor: float) -> tuple[float | None, ...]:
    found = (getattr(step, name) for step in steps)
    return tuple(None if value is None else value / factor for value in found)


def _failures(series: Drawn, period: Period) -> Parts:
    if not series.destinations:
        return None, "No delivery failed.", None
    first = series.destinations[0]
    rows = [
        Rank(
            f"{one.connection} ({words.kind_words(one.channel)})",
            one.failed,
            f"{one.failed:,} of {one.total:,}",
            (f"{one.failed:,}", f"{one.total:,}", share(one.failed, one.total)),
        )
        for one in series.destinations
    ]
    said = f"Most deliveries failed through {first.connection}: {first.failed:,} of {first.total:,}."
    if series.more_destinations:
        said += f" {words.count(series.more_destinations, 'more destination')} had failures."
    chart = ranks(said, ("Destination", "Failed", "Deliveries", "Share"), rows, tone="bad")
    asked = Asked(states=_BAD, destination=f"{first.channel}:{first.connection}", period=str(period))
    return chart, "", Link(asked.href(), f"See the runs that failed through {first.connection}")


def _slowest(series: Drawn) -> Parts:
    if not series.reports:
        return None, "No report was rendered.", None
    first = series.reports[0]
    rows = [
        Rank(
            one.title,
            one.average,
            duration(one.average),
            (duration(one.average), duration(one.longest), f"{one.renderings:,}"),
        )
        for one in series.reports
    ]
    said = f"{first.title} takes longest: {duration(first.average)} on average."
    chart = ranks(said, ("Report", "Average", "Longest", "Renderings"), rows)
    return chart, "", Link(f"/reports/{quote(first.report_id, safe='')}", f"Open {first.title}")


def _queue(queue: Queue | Unread, when: When) -> Panel:
    name, heading = "queue", "Queue"
    if isinstance(queue, Unread):
        return Panel(name, heading, told=f"– {why(queue)}")
    link = Link(Asked(states=(S.PENDING, S.RUNNING, S.RETRYING), period="all").href(), "See these runs")
    numbers = {
        "Waiting": queue.waiting,
        "Running": queue.running,
        "Trying again": queue.retrying,
        "Stopped": queue.held,
    }
    total = sum(numbers.values())
    if not total:
        return Panel(name, heading, told="Nothing waits and nothing runs at this moment.", link=link)
    said = f"{words.count(total, 'run')} {'has' if total == 1 else 'have'} not ended."
    if queue.oldest_due is not None:
        at = when.moment(queue.oldest_due, short=True).text
        said += f" The oldest that waits to begin was due {when.ago(queue.oldest_due)} ago, on {at}."
    chart = bars(
        said, list(numbers), (Series("Runs", tuple(map(float, numbers.values()))),), axis="State now", height=140
    )
    return Panel(name, heading, chart, link=link)


def _load(load: DayLoad | Unread, when: When) -> Panel:
    name, heading = "load", "Load of today"
    if isinstance(load, Unread):
        return Panel(name, heading, told=f"– {why(load)}")
    total = sum(load.runs)
    if not total or load.busiest is None:
        return Panel(name, heading, told="No run is due today.")
    # Counted in UTC, so that the quarters go on when clocks change.
    quarters = [load.start.astimezone(UTC) + number * _QUARTER for number in range(len(load.runs))]
    said = (
        f"{words.count(total, 'run')} {'is' if total == 1 else 'are'} due today; the busiest minute is "
        f"{when.time(load.busiest)} with {load.busiest_runs:,}."
    )
    chart = bars(
        said,
        [when.clock(one.astimezone(when.zone)) for one in quarters],
        (Series("Runs due", tuple(map(float, load.runs))),),
        axis=f"Quarter of an hour ({when.zone.key})",
        height=140,
    )
    return Panel(name, heading, chart, link=Link("/schedules", "See the schedules"))


def _axis(series: Drawn, when: When) -> str:
    return f"{'Day' if series.by_day else 'Hour'} ({when.zone.key})"


def _labels(series: Drawn, when: When) -> list[str]:
    several_days = len(series.steps) > _A_DAY
    return [_label(step.at, series, when, with_day=several_days) for step in series.steps]


def _label(at: datetime, series: Drawn, when: When, *, with_day: bool) -> str:
    local = at.astimezone(when.zone)
    if series.by_day:
        return when.day(local.date(), short=True)
    return f"{local:%a} {when.clock(local)}" if with_day else when.clock(local)


def _place(at: datetime, series: Drawn, when: When) -> str:
    """Return a step as it stands in a sentence."""
    return f"on {when.day(at.astimezone(when.zone).date(), short=True)}" if series.by_day else _hour(at, when)


def _hour(at: datetime, when: When) -> str:
    return f"in the hour from {when.moment(at, short=True).text}"
