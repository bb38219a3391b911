"""Wait for a stop to be lifted: what an execution says meanwhile, when it looks again, and how it ends. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from mailroom.executions.reasons import Reason, ReasonCode, because
from mailroom.passes.outcome import Outcome, given_up
from mailroom.passes.retry import Expiry
from mailroom.states import ExecutionState
from mailroom.stops.spec import words_of
from mailroom.storage.stop_tables import Stop
from mailroom.storage.tables import Delivery
from prefect_mailroom.errors import Withdrawn

LOOK_WHILE_STOPPED = timedelta(hours=1)
"""After this long a run looks by itself whether it is still held. The reconciler wakes it when the stop is lifted."""


class HeldBack(Withdrawn):
    """A stop keeps a delivery from leaving; it stays to be sent."""

    def __init__(self, stop_id: str) -> None:
        super().__init__("Sending is stopped. Nothing of this delivery has left; it goes on once it is resumed.")
        self.stop_id = stop_id


def stopped_by(stop: Stop) -> Reason:
    """Return why an execution waits."""
    return because(ReasonCode.STOPPED, what=words_of(stop.scope, stop.target), why=stop.reason)


def stopped_too_long(expires_after: timedelta) -> Reason:
    """Return why an execution that waited for a stop has ended."""
    return because(ReasonCode.EXPIRED_STOPPED, limit=expires_after)


def while_held(
    outcome: Outcome,
    stop: Stop,
    deliveries: Sequence[Delivery],
    *,
    expiry: Expiry,
    now: datetime,
) -> Outcome:
    """Return how an execution goes on of which a stop holds something back.

    Args:
        outcome: how it would go on by what was tried.
        deliveries: all of the execution, as they are now.
    """
    if now > expiry.at:
        return given_up(deliveries, stopped_too_long(expiry.limit))
    look = min(now + LOOK_WHILE_STOPPED, expiry.at + timedelta(seconds=1))
    return Outcome(ExecutionState.RETRYING, stopped_by(stop), min(look, outcome.retry_at or look), stop.id)
