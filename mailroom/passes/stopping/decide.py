"""Wait for a stop to be lifted: what an execution says meanwhile, when it looks again, and how it ends. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from mailroom.executions.reasons import Reason, ReasonCode, because
from mailroom.passes.outcome import Outcome, given_up, next_pass
from mailroom.passes.retry import Expiry
from mailroom.states import ExecutionState
from mailroom.stops.spec import StopCause, words_of
from mailroom.storage.stop_tables import Stop
from mailroom.storage.tables import Delivery
from prefect_mailroom.errors import Withdrawn

LOOK_WHILE_STOPPED = timedelta(hours=1)
"""After this long a run looks by itself whether it is still held. The reconciler wakes it when the stop is lifted."""


class HeldBack(Withdrawn):
    """A stop keeps a delivery from leaving; it stays to be sent.

    `by_breaker` says that the stop is the one of a breaker that is open.
    """

    def __init__(self, stop_id: str, *, by_breaker: bool = False) -> None:
        super().__init__("Sending is stopped. Nothing of this delivery has left; it goes on once it is resumed.")
        self.stop_id, self.by_breaker = stop_id, by_breaker


NOT_ITS_FAULT = frozenset({ReasonCode.EXPIRED_STOPPED, ReasonCode.EXPIRED_DOWN, ReasonCode.EXPIRED_DISABLED})
"""An execution that ended for one of these reasons does not count towards the suspension of its schedule."""

_WAITS = {StopCause.BREAKER: ReasonCode.CONNECTION_DOWN, StopCause.DISABLED: ReasonCode.CONNECTION_DISABLED}
_EXPIRED = {StopCause.BREAKER: ReasonCode.EXPIRED_DOWN, StopCause.DISABLED: ReasonCode.EXPIRED_DISABLED}


def stopped_by(stop: Stop) -> Reason:
    """Return why an execution waits."""
    if code := _WAITS.get(StopCause(stop.cause)):
        return because(code, connection=stop.target, why=stop.reason)
    return because(ReasonCode.STOPPED, what=words_of(stop.scope, stop.target), why=stop.reason)


def stopped_too_long(expires_after: timedelta, stop: Stop | None = None) -> Reason:
    """Return why an execution that waited for a stop has ended."""
    if stop is not None and (code := _EXPIRED.get(StopCause(stop.cause))):
        return because(code, connection=stop.target, why=stop.reason, limit=expires_after)
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
        return given_up(deliveries, stopped_too_long(expiry.limit, stop))
    look = min(now + LOOK_WHILE_STOPPED, expiry.at + timedelta(seconds=1))
    # What is held back stays as due as it was, so only what comes later is waited for.
    later = [one.next_attempt_at for one in deliveries if one.next_attempt_at and one.next_attempt_at > now]
    retry_at = next_pass(later, now) if later and outcome.retry_at else look
    return Outcome(ExecutionState.RETRYING, stopped_by(stop), min(look, retry_at), stop.id)
