"""Make the attempts of one pass over a direct run's deliveries, each recorded before and after."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from mailroom.executions.lifecycle import By
from mailroom.passes.direct.record import Record
from mailroom.passes.direct.rows import began, ended
from mailroom.passes.planned.shipment import Shipment, parcel
from mailroom.passes.retry import next_attempt
from mailroom.storage.hosts.clock import local_time
from mailroom.storage.tables import Delivery
from prefect_mailroom.channels.base import Channel, Receipt
from prefect_mailroom.errors import MailroomError, Retryable

_LOG = logging.getLogger(__name__)


@dataclass
class Sending:
    """The state that the attempts of one pass share: the connection's own limits hold among them."""

    channel: Channel
    shipment: Shipment
    record: Record
    by: By
    _begin: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)

    async def send_all(self, due: Sequence[Delivery]) -> None:
        """Make one attempt for each.

        Raises:
            ExceptionGroup: Prefect did not take a record, or an error of our own, once the others are through.
        """
        sessions = asyncio.Semaphore(self.channel.max_sessions)

        async def one(delivery: Delivery) -> None:
            async with sessions:
                await self._send(delivery)

        results = await asyncio.gather(*(one(delivery) for delivery in due), return_exceptions=True)
        if errors := [result for result in results if isinstance(result, Exception)]:
            raise ExceptionGroup("Some deliveries ended with an error that is not the far side's.", errors)

    async def _send(self, delivery: Delivery) -> None:
        async with self._begin:
            if self.channel.max_per_second:
                await asyncio.sleep(1 / self.channel.max_per_second)
            under_way = began(delivery, by=self.by)
            self.record.deliveries[delivery.key] = under_way
            await self.record.save()
        outcome: Receipt | MailroomError
        try:
            outcome = await self.channel.deliver(parcel(self.shipment, under_way, under_way.attempts))
        except MailroomError as error:
            _LOG.warning("Delivery to %s, attempt %d: %s", delivery.recipient, under_way.attempts, error)
            outcome = error
        self.record.deliveries[delivery.key] = ended(under_way, outcome, self._again(under_way, outcome))
        await self.record.save()

    def _again(self, delivery: Delivery, outcome: Receipt | MailroomError) -> datetime | None:
        if not isinstance(outcome, Retryable):
            return None
        return next_attempt(
            attempts=delivery.attempts,
            retries=self.channel.retries,
            max_attempts=None,
            now=local_time(),
            not_before=outcome.not_before,
            key=delivery.key,
        )
