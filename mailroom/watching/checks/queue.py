"""Check whether occurrences are begun in time. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from mailroom.settings import Settings
from mailroom.watching.checks.spec import Check, CheckName, State

_REMEDY = "Add workers, or raise MAILROOM_WORKER_LIMIT; docs/health.md says how to find what holds it up."


def judge(
    oldest_due: datetime | None,
    oldest_waiting: datetime | None,
    settings: Settings,
    now: datetime,
    *,
    was_behind: bool = False,
) -> Check:
    """Return how late the queue is; once it was behind, it must be half as late to be well again.

    Args:
        oldest_due: when the oldest occurrence was due that nothing has begun.
        oldest_waiting: when the longest waiting run of Prefect was due; None where none waits, or nobody knows.
    """
    oldest = min((one for one in (oldest_due, oldest_waiting) if one is not None), default=None)
    if oldest is None:
        return Check(CheckName.QUEUE, State.OK, "Nothing waits that is due.")
    late = now - oldest
    if late > timedelta(seconds=settings.queue_behind_seconds / (2 if was_behind else 1)):
        message = f"What was due {_words(late)} ago has not begun."
        return Check(CheckName.QUEUE, State.PROBLEM, message, _REMEDY, since=oldest)
    return Check(CheckName.QUEUE, State.OK, f"What waits was due {_words(late)} ago at most.")


def _words(time: timedelta) -> str:
    seconds = max(0, int(time.total_seconds()))
    return f"{seconds} s" if seconds < 120 else f"{seconds // 60} minutes"
