"""Say what became of an attempt, in the ledger's words and in the audit trail.

The entries are written in the transaction that records the attempt, by one INSERT.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.audit import repository as audit
from mailroom.audit.delivery_events import CredentialUsed, DeliverySent, DeliverySuppressed
from mailroom.executions.reasons import Reason
from mailroom.passes.planned.shipment import Shipment
from mailroom.states import DeliveryState
from mailroom.storage.tables import Attempt, Delivery
from prefect_mailroom.channels.base import Receipt
from prefect_mailroom.errors import MailroomError, OutcomeUnknown, Refused, TargetForbidden


def state_of(outcome: Receipt | MailroomError) -> DeliveryState:
    """Return the state that an attempt came to. Pure."""
    match outcome:
        case Receipt():
            return DeliveryState.DELIVERED
        case OutcomeUnknown():
            return DeliveryState.UNKNOWN
        case Refused() | TargetForbidden():
            return DeliveryState.REFUSED
        case _:
            return DeliveryState.FAILED


def receipt_of(outcome: Receipt | MailroomError) -> dict[str, Any] | None:
    """Return what the far side confirmed, None where it did not. Pure."""
    if not isinstance(outcome, Receipt):
        return None
    return {
        "grade": str(outcome.grade),
        "reference": outcome.reference,
        "confirmed_at": outcome.confirmed_at.isoformat(),
        "detail": dict(outcome.detail),
    }


class SendingTrail:
    """Writes what one pass sends into the audit trail. `owner` is the address of the schedule's owner, once known."""

    def __init__(self, shipment: Shipment) -> None:
        self._schedule, self._execution = shipment.schedule.id, shipment.execution.id
        self._used: set[str] = set()
        self.owner: str | None = None

    def first_use(self, connection: str) -> bool:
        """Tell whether this is the first use of a connection's credentials in this pass; it is asked once for each."""
        first = connection not in self._used
        self._used.add(connection)
        return first

    def sent(
        self,
        session: AsyncSession,
        delivery: Delivery,
        attempt: Attempt,
        state: DeliveryState,
        *,
        uses: bool,
        now: datetime,
    ) -> None:
        """Record that an attempt has ended; `uses` is whether it was the first to use its connection's credentials."""
        name = delivery.connection
        event = DeliverySent(
            self._execution,
            self._schedule,
            delivery.id,
            attempt.number,
            delivery.channel,
            name,
            delivery.recipient,
            str(state),
        )
        audit.record(session, event, at=now, on_behalf_of=self.owner)
        if uses:
            self.used(session, name, "delivery", now=now)

    def used(self, session: AsyncSession, connection: str, purpose: str, *, now: datetime) -> None:
        """Record that the credentials of a connection were used."""
        used = CredentialUsed(connection, purpose, self._execution)
        audit.record(session, used, at=now, on_behalf_of=self.owner)

    def suppressed(self, session: AsyncSession, delivery: Delivery, reason: Reason, *, now: datetime) -> None:
        """Record that a delivery was not sent, since the right to had gone."""
        event = DeliverySuppressed(
            self._execution, self._schedule, delivery.id, delivery.connection, delivery.recipient, str(reason.code)
        )
        audit.record(session, event, at=now, on_behalf_of=self.owner)
