"""Decide when a delivery is tried again, and when nothing of its execution is any more. Pure.

The delays belong to the connection; the jitter comes from the delivery's key.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from mailroom.states import ExecutionKind
from mailroom.storage.tables import Execution
from prefect_mailroom.channels.retries import Retries

JITTER = 0.2
"""A delay is longer by up to this share of itself, so that a thousand deliveries do not return in one second."""

LONGEST_JITTER = timedelta(minutes=5)
SHORTEST_WINDOW = timedelta(seconds=5)
"""Two passes are seconds apart anyway, so what is due within these waits for each other."""

_LONGEST_ASKED = 86_400


@dataclass(frozen=True, slots=True)
class Expiry:
    """The moment `at` after which nothing of an execution is tried again; `limit` is its schedule's `expires_after`."""

    at: datetime
    limit: timedelta


def expiry_of(execution: Execution, expires_after: timedelta) -> Expiry:
    """Return when the tries of an execution end.

    The time counts from when it was due. What a person asked for, such as a backfill of a past day, counts from when
    it began; and when a person asks for another try, it counts from then.
    """
    asked = [execution.due_at, execution.retry_requested_at]
    if execution.kind is not ExecutionKind.SCHEDULED:
        asked += [execution.created_at, execution.started_at]
    return Expiry(max(moment for moment in asked if moment) + expires_after, expires_after)


def shared_window(first: datetime, *, now: datetime) -> timedelta:
    """Return how long the first delivery to be tried again waits for others, so that one pass tries them all.

    That is as long as its jitter may be, so that a round of retries takes a few passes however many deliveries it has.
    """
    return min(max((first - now) * JITTER, SHORTEST_WINDOW), LONGEST_JITTER)


def next_attempt(
    *,
    attempts: int,
    retries: Retries,
    max_attempts: int | None,
    now: datetime,
    not_before: float | None,
    key: str,
    for_others: bool = False,
) -> datetime | None:
    """Return when a delivery is tried again after `attempts` failed ones, or None when no try is left.

    Args:
        retries: the delays of its connection.
        max_attempts: the limit of its schedule; None where only the expiry limits.
        not_before: seconds that the far side asked us to wait, at most a day is honoured.
        for_others: whether the last one tried a connection that was down, for all that wait for it. The breaker spaces
            such attempts, so that the delays of its own would only keep it from leaving once the connection works.
    """
    delay = retries.after(attempts)
    if delay is None or (max_attempts is not None and attempts >= max_attempts):
        return None
    if for_others:
        delay = min(delay, retries.after(1) or delay)
    share = int.from_bytes(hashlib.sha256(f"{key}:{attempts}".encode()).digest()[:4]) / 2**32
    longer = min(delay * JITTER, LONGEST_JITTER.total_seconds()) * share
    return now + timedelta(seconds=max(delay + longer, min(not_before or 0, _LONGEST_ASKED)))
