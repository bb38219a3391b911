"""Decide how long errors of our own are tried again. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from mailroom.passes.retry import expiry_of
from mailroom.schedules.spec import stored_policy
from mailroom.storage.tables import Execution, Schedule

FIRST_DELAY, LONGEST_DELAY = timedelta(seconds=30), timedelta(minutes=15)
LEAST_RETRIES = 3
"""So often it is tried again even where the time is over, such as when a person asks for a retry much later."""

LONGEST_EXPIRY = timedelta(days=7)
"""The longest `expires_after` that a policy may have, for where the policy cannot be read."""


def expires_after_of(schedule: Schedule | None) -> timedelta:
    """Return the `expires_after` of a schedule, or the longest there is where its policy cannot be read."""
    policy = stored_policy(schedule) if schedule is not None else None
    return LONGEST_EXPIRY if policy is None else policy.expires_after


def delay_after(errors: int) -> timedelta:
    """Return how long to wait after so many errors: half a minute, doubled each time, at most a quarter of an hour."""
    doubled: int = 2 ** min(errors - 1, 10)
    return min(FIRST_DELAY * doubled, LONGEST_DELAY)


def retry_after_error(execution: Execution, *, errors: int, expires_after: timedelta, now: datetime) -> datetime | None:
    """Return when the execution is tried again after an error of ours, or None once its time is over.

    Args:
        errors: passes that ended so, this one included.
    """
    following = now + delay_after(errors)
    in_time = following <= expiry_of(execution, expires_after).at
    return following if in_time or errors <= LEAST_RETRIES else None
