"""Decide from the state of its deliveries how an execution goes on. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from mailroom.executions.reasons import Reason, ReasonCode, because
from mailroom.passes.retry import shared_window
from mailroom.states import DeliveryState, ExecutionState
from mailroom.storage.tables import Delivery


@dataclass(frozen=True, slots=True)
class Outcome:
    """An execution goes on like this; `retry_at` is set while it is `retrying`, or `pending` and waits for its turn.

    `held_by` is the stop that keeps something of it from leaving.
    """

    state: ExecutionState
    reason: Reason
    retry_at: datetime | None = None
    held_by: str | None = None


def outcome_of(deliveries: Sequence[Delivery]) -> Outcome:
    """Return how the execution goes on: a delivery with a next attempt keeps it open, else it has ended."""
    total = len(deliveries)
    delivered = sum(delivery.status is DeliveryState.DELIVERED for delivery in deliveries)
    counted = {"delivered": delivered, "total": total}
    if waiting := [(d.next_attempt_at, d.attempts) for d in deliveries if d.next_attempt_at]:
        reason = because(ReasonCode.DELIVERY_RETRY, **counted, waiting=len(waiting))
        return Outcome(ExecutionState.RETRYING, reason, _next_pass(waiting))
    if delivered == total:
        return Outcome(ExecutionState.SUCCESS, because(ReasonCode.DELIVERED, **counted))
    states = sorted({str(d.status) for d in deliveries if d.status is not DeliveryState.DELIVERED})
    reason = because(ReasonCode.NOT_ALL_DELIVERED, **counted, states=states)
    return Outcome(ExecutionState.PARTIAL if delivered else ExecutionState.FAILED, reason)


def _next_pass(waiting: Sequence[tuple[datetime, int]]) -> datetime:
    """Return when the next pass begins, by (next attempt, attempts so far): one pass takes all of a window.

    Nothing is tried before its time, since the far side may have asked for that.
    """
    first, attempts = min(waiting)
    end = first + shared_window(attempts)
    return max(moment for moment, _ in waiting if moment <= end)
