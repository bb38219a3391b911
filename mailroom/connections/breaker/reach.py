"""Decide when the far side of an open breaker is reached for without a delivery, and what follows from it. Pure.

A delivery that tries an open breaker costs an attempt, and each one that fails is a trip: so these become rarer, up to
half an hour apart. Reaching for the far side costs nobody anything, and is done every few seconds by one process. A far
side that answers is no proof that deliveries go through; it makes the next trial by a delivery due at once.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum

from mailroom.connections.breaker.decide import PAUSE, Breaker, brought_forward
from mailroom.states import BreakerState

EVERY = timedelta(seconds=20)
"""Begin the next look at a far side so long after the last one began; a look may not take longer."""
LONGEST = timedelta(seconds=15)
"""Give one look so much time."""


class Reached(StrEnum):
    """Say what came of reaching for a far side."""

    ANSWERS = "answers"
    """The far side answers, and let us in where it asks for a login."""
    SILENT = "silent"
    """The far side does not answer, or broke off before it was told who we are."""
    UNDECIDED = "undecided"
    """The far side was told who we are, and did not decide: what locks accounts answers so, too."""
    REFUSED = "refused"
    """The far side refused how we came, such as a password, or our settings are no good: a person has to act."""
    IMPOSSIBLE = "impossible"
    """There is no such step for it, so that only a delivery can tell."""
    UNKNOWN = "unknown"
    """Our own side could not look, such as while Prefect is away."""


def is_due(breaker: Breaker, *, now: datetime) -> bool:
    """Tell whether the far side may be reached for now. Once a delivery may try it, that decides."""
    if breaker.state is not BreakerState.OPEN or breaker.probe_at is None or breaker.probe_at <= now:
        return False
    return breaker.under_way_until is None or breaker.under_way_until <= now


def begun(breaker: Breaker, *, now: datetime) -> Breaker | None:
    """Return the breaker while one process reaches for its far side, or None where that is not due.

    Should that process die, the next one may do so after the usual time.
    """
    if not is_due(breaker, now=now):
        return None
    assert breaker.probe_at is not None, "one without it is not due"
    return replace(breaker, under_way_until=min(now + EVERY, breaker.probe_at))


def ended(breaker: Breaker, as_begun: Breaker, found: Reached, *, now: datetime) -> Breaker:
    """Return the breaker after its far side was reached for.

    Args:
        as_begun: what `begun` returned. Where the breaker has moved since, what was found is of the past.
    """
    if breaker != as_begun or breaker.probe_at is None or brought_forward(breaker):
        return breaker
    due_at = breaker.probe_at
    match found:
        case Reached.ANSWERS if due_at > now:
            return replace(breaker, probe_at=now, under_way_until=due_at)
        case Reached.UNDECIDED:
            return replace(breaker, under_way_until=min(due_at, now + PAUSE))
        case Reached.REFUSED | Reached.IMPOSSIBLE:
            return replace(breaker, under_way_until=due_at)
    return breaker
