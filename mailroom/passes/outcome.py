"""Decide from the state of its deliveries how an execution goes on. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from mailroom.executions.reasons import Reason, ReasonCode, because
from mailroom.states import DeliveryState, ExecutionState
from mailroom.storage.tables import Delivery


@dataclass(frozen=True, slots=True)
class Outcome:
    """An execution goes on like this; `retry_at` is set while it is `retrying`, or `pending` and waits for its turn."""

    state: ExecutionState
    reason: Reason
    retry_at: datetime | None = None


def outcome_of(deliveries: Sequence[Delivery]) -> Outcome:
    """Return how the execution goes on: a delivery with a next attempt keeps it open, else it has ended."""
    total = len(deliveries)
    delivered = sum(delivery.status is DeliveryState.DELIVERED for delivery in deliveries)
    counted = {"delivered": delivered, "total": total}
    if waiting := [d.next_attempt_at for d in deliveries if d.next_attempt_at]:
        reason = because(ReasonCode.DELIVERY_RETRY, **counted, waiting=len(waiting))
        return Outcome(ExecutionState.RETRYING, reason, min(waiting))
    if delivered == total:
        return Outcome(ExecutionState.SUCCESS, because(ReasonCode.DELIVERED, **counted))
    states = sorted({str(d.status) for d in deliveries if d.status is not DeliveryState.DELIVERED})
    reason = because(ReasonCode.NOT_ALL_DELIVERED, **counted, states=states)
    return Outcome(ExecutionState.PARTIAL if delivered else ExecutionState.FAILED, reason)
