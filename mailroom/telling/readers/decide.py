"""Decide which readers of a run are told that it is late or has failed. Pure.

Whoever has it is not told, and neither is whoever is not to get it. That the report has come, the report itself says.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from mailroom.executions.policy import Policy
from mailroom.states import DeliveryState, ExecutionState
from prefect_mailroom.channels.base import Destination

OPEN = (ExecutionState.PENDING, ExecutionState.RUNNING, ExecutionState.RETRYING)
FAILED = (ExecutionState.FAILED, ExecutionState.PARTIAL, ExecutionState.MISSED)
_NOT_TO_TELL = frozenset({DeliveryState.DELIVERED, DeliveryState.SUPPRESSED, DeliveryState.REFUSED})
"""Readers with such a delivery have the report, must not get it, or have an address that takes no mail."""


class Why(StrEnum):
    """Say why a reader is told: late, it is still worked on; failed, nothing is tried any more."""

    LATE = "late"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Known:
    """Hold what is known of a delivery of the run: whom it reaches, in lower case, and how far it is."""

    addresses: frozenset[str]
    status: DeliveryState
    delivery_id: str = ""


@dataclass(frozen=True, slots=True)
class Reader:
    """A reader who is told, through the connection that the report would have come by.

    `delivery_id` is the delivery that has not arrived, where one was planned for this reader alone; else empty.
    """

    address: str
    connection: str
    why: Why
    delivery_id: str = ""


def why_to_tell(
    policy: Policy, status: ExecutionState, due_at: datetime, *, late_after: timedelta, now: datetime
) -> Why | None:
    """Return why the readers of a run are told now, or None where they are not.

    A run is late so long after its start; the start is later than the due time where the schedule spreads it.
    """
    if policy.notify_recipients == "none":
        return None
    if status in FAILED:
        return Why.FAILED
    late = status in OPEN and now >= due_at + policy.jitter + late_after
    return Why.LATE if late and policy.notify_recipients == "late" else None


def readers_of(targets: Iterable[Destination], known: Sequence[Known], why: Why) -> list[Reader]:
    """Return the readers of a run who are told, each once.

    Args:
        targets: the destinations of the schedule; those without mail addresses have no readers.
        known: the deliveries that are planned, if any.
    """
    found: dict[str, Reader] = {}
    for target in targets:
        for address in target.addresses():
            person = address.lower()
            mine = [one for one in known if person in one.addresses]
            if person in found or any(one.status in _NOT_TO_TELL for one in mine):
                continue
            alone = next((one.delivery_id for one in mine if len(one.addresses) == 1), "")
            found[person] = Reader(address, target.connection, why, alone)
    return list(found.values())
