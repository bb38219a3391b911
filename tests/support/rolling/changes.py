"""When a schedule was due, by the changes that were made to it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Change:
    """From a moment on a schedule is due every so many minutes of the hour; 0: never, as while it is paused."""

    at: datetime
    every: int


def cron(every: int) -> str:
    """Return the cron expression of a schedule that is due every so many minutes."""
    return "* * * * *" if every == 1 else f"*/{every} * * * *"


def due_times(changes: Sequence[Change], until: datetime) -> list[datetime]:
    """Return every due time after the first change and before `until`."""
    return [moment for moment in _minutes(changes[0].at, until) if _is_due(changes, moment)]


def _minutes(after: datetime, until: datetime) -> Iterator[datetime]:
    moment = after.replace(second=0, microsecond=0) + _MINUTE
    while moment < until:
        yield moment
        moment += _MINUTE


def _is_due(changes: Sequence[Change], moment: datetime) -> bool:
    every = [change.every for change in changes if change.at < moment][-1]
    return every > 0 and moment.minute % every == 0
