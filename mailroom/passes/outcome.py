"""Decide from the state of its deliveries how an execution goes on. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from mailroom.executions.reasons import LEFT_OUT, Reason, ReasonCode, because
from mailroom.passes.retry import Expiry, shared_window
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


@dataclass(frozen=True, slots=True)
class Settled(Outcome):
    """An outcome as it stands in the ledger, with the deliveries as they were read with it.

    `recorded` says that it was written, and the lease given back with it.
    """

    deliveries: Sequence[Delivery] = ()
    recorded: bool = True


@dataclass(frozen=True, slots=True)
class Tried:
    """Every delivery that was due has been tried, but for what the stop `held_by` kept back; the ledger says the rest.

    After its `expiry` nothing is tried again.
    """

    expiry: Expiry
    held_by: str | None = None


class LeftUnderWay(Exception):
    """A pass left a delivery under way: its attempt began, and nobody knows how it ended."""


def outcome_of(deliveries: Sequence[Delivery], *, now: datetime, expiry: Expiry | None = None) -> Outcome:
    """Return how the execution goes on: a delivery with a next attempt before the expiry keeps it open, else it ended.

    Args:
        now: when the pass has tried what was due.
        expiry: after this nothing is tried again; None where nothing expires.

    Raises:
        LeftUnderWay: an attempt has not ended.
    """
    if any(delivery.status is DeliveryState.SENDING for delivery in deliveries):
        raise LeftUnderWay
    wanted = [delivery for delivery in deliveries if not left_out(delivery)]
    if deliveries and not wanted:
        return Outcome(ExecutionState.SKIPPED, because(ReasonCode.ALL_SUPPRESSED, left_out=len(deliveries)))
    spared, deliveries = len(deliveries) - len(wanted), wanted
    total = len(deliveries)
    delivered = sum(delivery.status is DeliveryState.DELIVERED for delivery in deliveries)
    counted = {"delivered": delivered, "total": total}
    planned = [delivery.next_attempt_at for delivery in deliveries if delivery.next_attempt_at]
    waiting = [moment for moment in planned if expiry is None or max(moment, now) <= expiry.at]
    if waiting:
        reason = because(ReasonCode.DELIVERY_RETRY, **counted, waiting=len(waiting))
        return Outcome(ExecutionState.RETRYING, reason, next_pass(waiting, now))
    if delivered == total and spared:
        reason = because(ReasonCode.DELIVERED_BUT_SUPPRESSED, **counted, left_out=spared)
        return Outcome(ExecutionState.SUCCESS, reason)
    if delivered == total:
        return Outcome(ExecutionState.SUCCESS, because(ReasonCode.DELIVERED, **counted))
    states = sorted({str(d.status) for d in deliveries if d.status is not DeliveryState.DELIVERED})
    reason = because(ReasonCode.NOT_ALL_DELIVERED, **counted, states=states)
    unsettled = planned or any(delivery.status is DeliveryState.UNKNOWN for delivery in deliveries)
    if expiry and unsettled and max([now, *planned]) > expiry.at:
        reason = because(ReasonCode.DELIVERY_EXPIRED, **counted, states=states, limit=expiry.limit)
    return given_up(deliveries, reason)


def left_out(delivery: Delivery) -> bool:
    """Tell whether a delivery is left out on purpose, since nothing is sent to its recipient; nobody misses it."""
    return delivery.status is DeliveryState.SUPPRESSED and delivery.reason_code in LEFT_OUT


def given_up(deliveries: Sequence[Delivery], reason: Reason) -> Outcome:
    """Return the end of an execution that tries nothing more: partial where something was delivered, else failed."""
    some = any(delivery.status is DeliveryState.DELIVERED for delivery in deliveries)
    return Outcome(ExecutionState.PARTIAL if some else ExecutionState.FAILED, reason)


def next_pass(waiting: Sequence[datetime], now: datetime) -> datetime:
    """Return when the next pass begins: one pass takes all of a window.

    Nothing is tried before its time, since the far side may have asked for that.
    """
    first = min(waiting)
    end = first + shared_window(first, now=now)
    return max(moment for moment in waiting if moment <= end)
