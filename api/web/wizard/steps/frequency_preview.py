"""Make the panel of the second step: the sentence, the next dates, the load of the day, and warnings. Pure."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from api.actions.load.around import Around
from api.actions.schedules.views import DueTimeView, PreviewView, WarningView
from api.web import refusals
from api.web.drawings.charts import Chart, Series, bars
from api.web.parts import Moment
from api.web.when import When, zone_of


@dataclass(frozen=True, slots=True)
class Mark:
    """Hold what is particular about a date, in words with an icon."""

    icon: str
    words: str


@dataclass(frozen=True, slots=True)
class DueDate:
    """One of the next dates."""

    moment: Moment
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class Advice:
    """Hold what to know about a timing, and a time that would be better."""

    words: str
    use: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """Hold what the timing means.

    Attributes:
        stale: whether the dates are those of the last good timing, since the present one has faults.
        faults: what is wrong with it.
        good: the last good timing, as JSON, which the next preview falls back on.
        crowd: how many others are due at the same minute, with a better time.
    """

    sentence: str = ""
    dates: tuple[DueDate, ...] = ()
    stale: bool = False
    faults: tuple[str, ...] = ()
    good: str = ""
    crowd: Advice | None = None
    chart: Chart | None = None
    warnings: tuple[Advice, ...] = ()


def panel(
    preview: PreviewView | None,
    around: Around | None,
    timing: Mapping[str, Any],
    when: When,
    *,
    stale: bool = False,
    faults: Sequence[str] = (),
) -> Panel:
    """Return the panel.

    Args:
        timing: the timing that the preview is of.
        stale: whether that is not the timing of the form, which has `faults`.
    """
    if preview is None:
        return Panel(faults=tuple(faults))
    zone = str(timing.get("timezone") or "UTC")
    return Panel(
        sentence=preview.words,
        dates=tuple(due_date(one, zone, when) for one in preview.next_runs),
        stale=stale,
        faults=tuple(faults),
        good=json.dumps(dict(timing)),
        crowd=_crowd(around, timing, zone, when) if around and not stale else None,
        chart=_chart(around, zone, when) if around and not stale else None,
        warnings=() if stale else tuple(_advice(one, timing) for one in preview.warnings if one.code != "clock_change"),
    )


def due_date(due: DueTimeView, zone: str, when: When) -> DueDate:
    """Return a date with its marks."""
    moment = when.moment(due.at, zone, relative=True)
    days = (due.at - when.now).days
    if days > 13:  # "In 2 months" would say the same of several dates.
        moment = replace(moment, relative=f"in {days} days")
    return DueDate(moment, tuple(_marks(due, zone, when)))


def _marks(due: DueTimeView, zone: str, when: When) -> list[Mark]:
    found = []
    if due.offset_change:
        old, _, new = due.offset_change.partition(" -> ")
        way = "forward" if _minutes(new) > _minutes(old) else "back"
        found.append(Mark("clock", f"clocks go {way}: from here UTC{new}"))
    moved = due.moved_from
    if moved is not None and moved.reason == "clock_change":
        local = due.at.astimezone(zone_of(zone))
        found.append(
            Mark("clock-alert", f"{when.clock(moved.local)} does not exist that day, sent at {when.clock(local)}")
        )
    elif moved is not None:
        why = moved.why.partition(" is ")[2]
        found.append(Mark("calendar-off", f"moved from {when.day(moved.local.date(), short=True)} ({why})"))
    return found


def _minutes(offset: str) -> int:
    sign = -1 if offset.startswith("-") else 1
    return sign * (int(offset[1:3]) * 60 + int(offset[4:6]))


def _crowd(around: Around, timing: Mapping[str, Any], zone: str, when: When) -> Advice | None:
    local = around.at.astimezone(zone_of(zone))
    if around.others == 0:
        return Advice(f"At {when.clock(local)}, no other schedule is due.")
    is_are = "is" if around.others == 1 else "are"
    said = f"At {when.clock(local)}, {around.others:,} other{'' if around.others == 1 else 's'} {is_are} due."
    if around.quieter is None:
        return Advice(said)
    better = around.quieter.astimezone(zone_of(zone))
    said += f" {when.clock(better)} has {around.quieter_runs:,}."
    return Advice(said, f"{better:%H:%M}" if _takes_time(timing) and better.date() == local.date() else "")


def _takes_time(timing: Mapping[str, Any]) -> bool:
    return timing.get("frequency") in {"daily", "weekly", "monthly", "quarterly", "yearly", "once"}


def _chart(around: Around, zone: str, when: When) -> Chart:
    starts = [around.start + number * dt.timedelta(minutes=15) for number in range(len(around.runs))]
    labels = [when.clock(one.astimezone(zone_of(zone))) for one in starts]
    day = when.day(starts[0].astimezone(zone_of(zone)).date(), short=True)
    own = around.own if 0 <= around.own < len(labels) else None
    runs = [number + (index == own) for index, number in enumerate(around.runs)]
    mine = f", this one included: {runs[own]:,} in its quarter of an hour" if own is not None else ""
    return bars(
        f"Runs due on {day}{mine}",
        labels,
        (Series("Runs due", tuple(float(one) for one in runs)),),
        axis=f"Quarter of an hour ({zone})",
        own=own,
        height=140,
    )


def _advice(warning: WarningView, timing: Mapping[str, Any]) -> Advice:
    proposed = warning.data.get("proposed") if warning.code == "crowded_minute" else None
    use = str(proposed["local_time"]) if isinstance(proposed, Mapping) and _takes_time(timing) else ""
    return Advice(refusals.for_pages(warning.message), use)
