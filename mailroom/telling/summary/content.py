"""Make the summary of each user from what was read. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from pydantic import ValidationError

from mailroom.states import ExecutionState, ScheduleState
from mailroom.telling.periods import Period
from mailroom.telling.summary.facts import Failed, Planned, SummaryFacts
from mailroom.telling.words import count, short
from mailroom.timing import TIMING, BusinessCalendar, occurrences

MOST_FAILED, MOST_COMING = 10, 15
"""This many of each are told one by one; the others are counted."""
_A_WEEK_MOST = 24 * 7 + 1
"""The shortest interval is an hour, so that no schedule is due more often in a week; beyond this it is "often"."""
_S = ExecutionState


@dataclass(frozen=True, slots=True)
class Figure:
    """A number of the week; `tone` is good, bad or plain."""

    label: str
    value: int
    tone: str = "plain"


@dataclass(frozen=True, slots=True)
class Line:
    """A run that failed, or a schedule that comes: `name`, a moment, words, and a path of ours."""

    name: str
    when: str
    words: str
    link: str


@dataclass(frozen=True, slots=True)
class Summary:
    """The summary of a user.

    Attributes:
        standing: what the user has, in a sentence.
        more_failed, more_coming: how many are not told one by one.
        runs_ahead: how many runs come in all.
    """

    standing: str
    figures: tuple[Figure, ...]
    failed: tuple[Line, ...]
    more_failed: int
    coming: tuple[Line, ...]
    more_coming: int
    runs_ahead: int


def summary_of(
    facts: SummaryFacts, user_id: str, timezone: str, period: Period, calendars: Mapping[str, BusinessCalendar]
) -> Summary | None:
    """Return the summary of a user, or None for somebody without schedules."""
    schedules = facts.schedules.get(user_id, ())
    if not schedules:
        return None
    runs: Counter[ExecutionState] = Counter()
    for one in schedules:
        runs.update(facts.runs.get(one.id, {}))
    failed = facts.failed.get(user_id, ())
    coming = _coming(schedules, period, calendars)
    return Summary(
        standing=_standing(schedules),
        figures=_figures(runs, sum(facts.deliveries.get(one.id, 0) for one in schedules)),
        failed=tuple(_failed(one, timezone) for one in failed[:MOST_FAILED]),
        more_failed=max(0, len(failed) - MOST_FAILED),
        coming=tuple(_ahead(one, timezone) for one in coming[:MOST_COMING]),
        more_coming=max(0, len(coming) - MOST_COMING),
        runs_ahead=sum(one.runs for one in coming),
    )


def _figures(runs: Mapping[ExecutionState, int], deliveries: int) -> tuple[Figure, ...]:
    bad = [
        Figure("partly sent", runs.get(_S.PARTIAL, 0), "bad"),
        Figure("failed", runs.get(_S.FAILED, 0), "bad"),
        Figure("missed", runs.get(_S.MISSED, 0), "bad"),
    ]
    others = [Figure("skipped", runs.get(_S.SKIPPED, 0)), Figure("cancelled", runs.get(_S.CANCELLED, 0))]
    sent = [Figure("reports sent", runs.get(_S.SUCCESS, 0), "good"), Figure("deliveries confirmed", deliveries)]
    return (*sent, *(one for one in (*bad, *others) if one.value))


def _standing(schedules: Sequence[Planned]) -> str:
    states = Counter(one.state for one in schedules)
    words = [f"{count(states[ScheduleState.ACTIVE], 'active schedule')}"]
    for state, said in ((ScheduleState.PAUSED, "paused"), (ScheduleState.SUSPENDED, "suspended")):
        if states[state]:
            words.append(f"{states[state]:,} {said}")
    return ", ".join(words)


def _failed(one: Failed, timezone: str) -> Line:
    how = {_S.PARTIAL: "Not everybody got it.", _S.MISSED: "It did not run.", _S.FAILED: "Nobody got it."}
    words = f"{how.get(one.status, '')} {one.reason}".strip()
    return Line(one.schedule_name, short(one.due_at, timezone), words, f"/executions/{one.execution_id}")


@dataclass(frozen=True, slots=True)
class _Coming:
    schedule: Planned
    first: datetime
    runs: int


def _coming(schedules: Sequence[Planned], period: Period, calendars: Mapping[str, BusinessCalendar]) -> list[_Coming]:
    """Return what is due from the time of the mail until the week is over, the next one first."""
    found = []
    for one in schedules:
        if one.state is not ScheduleState.ACTIVE:
            continue
        due = _due(one, period, calendars)
        if due:
            found.append(_Coming(one, due[0], len(due)))
    return sorted(found, key=lambda each: (each.first, each.schedule.name, each.schedule.id))


def _due(one: Planned, period: Period, calendars: Mapping[str, BusinessCalendar]) -> list[datetime]:
    try:
        timing = TIMING.validate_python(one.timing)
    except ValidationError:  # An earlier version of Mailroom took what is refused now; its page says so.
        return []
    named = one.timing.get("calendar")
    business = calendars.get(named) if isinstance(named, str) else None
    last = period.until - timedelta(microseconds=1)
    ahead = occurrences(timing, period.due, business, until=last, not_before=one.created_at)
    return list(islice(ahead, _A_WEEK_MOST))


def _ahead(one: _Coming, timezone: str) -> Line:
    words = "" if one.runs == 1 else f"and {count(one.runs - 1, 'more run')} this week"
    return Line(one.schedule.name, short(one.first, timezone), words, f"/schedules/{one.schedule.id}")
