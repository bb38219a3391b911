"""Choose the deliveries that a pass tries. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from mailroom.executions import delivery_lifecycle
from mailroom.executions.lifecycle import By
from mailroom.passes.retry import Expiry
from mailroom.states import DeliveryState
from mailroom.storage.tables import Delivery


def due_now(
    deliveries: Sequence[Delivery],
    *,
    now: datetime,
    again: bool,
    forced: bool,
    max_attempts: int,
    expiry: Expiry | None = None,
) -> list[Delivery]:
    """Choose the deliveries that this pass tries. Pure.

    A first pass tries what is pending. A later one tries those whose time has come, and those that a dead pass left
    unknown; when a person asked (`forced`), everything that is not confirmed. After the `expiry`, nothing is tried
    again; what was never tried still is, once. What waits for a turn of its connection is due at that turn.
    """
    again = again and (forced or expiry is None or now <= expiry.at)
    tried_again = delivery_lifecycle.ALLOWED.sources_of(DeliveryState.SENDING, By.PERSON if forced else By.PLAN)
    chosen = []
    for delivery in deliveries:
        waiting = delivery.next_attempt_at
        come = waiting is not None and waiting <= now + timedelta(seconds=1)
        if delivery.status is DeliveryState.PENDING:
            if forced or come or waiting is None:
                chosen.append(delivery)
        elif again and delivery.status in tried_again:
            broken_off = (
                delivery.status is DeliveryState.UNKNOWN and waiting is None and delivery.attempts < max_attempts
            )
            if forced or broken_off or come:
                chosen.append(delivery)
    return chosen
