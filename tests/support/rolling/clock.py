"""Moments within a minute, for what must meet a due time, or must not."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

_MINUTE = timedelta(minutes=1)
_CALM = (12, 45)
"""Between these seconds of a minute nothing is due soon, so that it is clear what was due before a change."""


def next_minute() -> datetime:
    """Return the next due time."""
    return datetime.now(UTC).replace(second=0, microsecond=0) + _MINUTE


def until_calm() -> None:
    """Sleep until no due time is near."""
    now = datetime.now(UTC)
    if not _CALM[0] <= now.second < _CALM[1]:
        begin = now.replace(second=_CALM[0], microsecond=0)
        until(begin if now < begin else begin + _MINUTE)


def until(moment: datetime) -> None:
    """Sleep until a moment."""
    time.sleep(max(0.0, (moment - datetime.now(UTC)).total_seconds()))


def until_due(seconds: float = 1.5) -> datetime:
    """Sleep until so many seconds after the next due time, when its reports are being sent; returns the due time."""
    due = next_minute()
    until(due + timedelta(seconds=seconds))
    return due
