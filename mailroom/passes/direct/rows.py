"""Write the deliveries of a direct run as the rows of a table in Prefect, and read them back. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from mailroom.executions import delivery_lifecycle
from mailroom.executions.deliveries import new_delivery
from mailroom.executions.lifecycle import By
from mailroom.passes.steps.recorded import receipt_of, state_of
from mailroom.states import DeliveryState
from mailroom.storage.tables import Delivery
from prefect_mailroom.channels.base import Destination, Receipt
from prefect_mailroom.errors import MailroomError

BROKEN_OFF = "The process ended during this attempt. The receiver may have got the delivery."


def planned(run_id: str, target: Destination, *, now: datetime) -> list[Delivery]:
    """Return a delivery for each recipient, with a key as for a schedule: the run stands in place of an execution."""
    settings = target.model_dump(mode="json")
    return [
        new_delivery(
            run_id,
            0,
            recipient,
            channel=target.channel,
            connection=target.connection,
            destination=settings,
            now=now,
        )
        for recipient in target.recipients()
    ]


def to_rows(deliveries: Sequence[Delivery]) -> str:
    """Return the rows as Prefect keeps them in an artifact of type table."""
    rows = [
        {
            "recipient": one.recipient,
            "channel": one.channel,
            "connection": one.connection,
            "state": str(one.status),
            "attempts": one.attempts,
            "receipt": (one.receipt or {}).get("reference") or one.error_message or "",
            "grade": (one.receipt or {}).get("grade", ""),
            "next_attempt": one.next_attempt_at.isoformat() if one.next_attempt_at else "",
            "key": one.key,
        }
        for one in deliveries
    ]
    return json.dumps(rows)


def with_rows(deliveries: Sequence[Delivery], stored: Any) -> list[Delivery]:
    """Return the planned deliveries with what an earlier pass has kept of each, found by its key.

    An attempt without an end was broken off: the receiver may have it.

    Raises:
        ValueError, KeyError, TypeError: somebody has written something else into the table.
    """
    rows = json.loads(stored) if isinstance(stored, str) else stored
    kept = {row["key"]: row for row in rows}
    return [_as_kept(one, kept[one.key]) if one.key in kept else one for one in deliveries]


def _as_kept(delivery: Delivery, row: dict[str, Any]) -> Delivery:
    state = DeliveryState(row["state"])
    confirmed = state is DeliveryState.DELIVERED
    broken_off = state is DeliveryState.SENDING
    return _copy(
        delivery,
        status=DeliveryState.UNKNOWN if broken_off else state,
        attempts=int(row["attempts"]),
        receipt={"reference": row["receipt"], "grade": row["grade"]} if confirmed else None,
        error_message=BROKEN_OFF if broken_off else None if confirmed else row["receipt"] or None,
        next_attempt_at=datetime.fromisoformat(row["next_attempt"]) if row["next_attempt"] else None,
    )


def began(delivery: Delivery, *, by: By) -> Delivery:
    """Return the delivery as it stands while its next attempt is under way.

    Raises:
        Conflict: none may begin.
    """
    delivery_lifecycle.ALLOWED.check(delivery.status, DeliveryState.SENDING, by)
    return _copy(delivery, status=DeliveryState.SENDING, attempts=delivery.attempts + 1, next_attempt_at=None)


def ended(delivery: Delivery, outcome: Receipt | MailroomError, again: datetime | None) -> Delivery:
    """Return the delivery as its attempt left it.

    Args:
        again: when it is tried again; None where it is not.
    """
    state = state_of(outcome)
    delivery_lifecycle.ALLOWED.check(delivery.status, state, By.PLAN)
    return _copy(
        delivery,
        status=state,
        receipt=receipt_of(outcome),
        error_message=str(outcome) if isinstance(outcome, MailroomError) else None,
        next_attempt_at=again,
    )


def _copy(delivery: Delivery, **changes: Any) -> Delivery:
    """Return a delivery that differs in this. It is in no database, so it is a value and never changed."""
    same = ("id", "execution_id", "position", "channel", "connection", "recipient", "key", "destination", "created_at")
    kept = ("status", "attempts", "receipt", "error_message", "next_attempt_at")
    return Delivery(**{name: getattr(delivery, name) for name in (*same, *kept)} | changes)
