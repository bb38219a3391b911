"""Send what is in the outbox: signed after Standard Webhooks, by the channel that schedules use."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from functools import partial

from mailroom.product_events import lifecycle
from mailroom.product_events.timing import next_try
from mailroom.setting_groups.product_events import ProductEventSettings
from mailroom.storage.database import Database
from mailroom.storage.model.outboxes.product_events import ProductEvent
from prefect_mailroom.channels.base import Parcel
from prefect_mailroom.channels.webhook.channel import WebhookChannel
from prefect_mailroom.channels.webhook.destination import WebhookDestination
from prefect_mailroom.errors import MailroomError

_LOG = logging.getLogger(__name__)

EVERY_SECONDS = 2.0
"""The next look at the outbox begins this long after one has ended."""
LATE_AFTER_SECONDS = 300.0
TRY_SECONDS = 20.0
_AT_ONCE = 20
_ADDRESSEE = WebhookDestination(connection="product")

Clock = Callable[[], datetime]


async def tick(database: Database, settings: ProductEventSettings, *, clock: Clock) -> int:
    """Try everything that is due; return how many events the product took.

    An event is claimed before it leaves. Where this process dies in between, another one tries it, under the same id.
    """
    taken = 0
    if settings.url.get_secret_value():
        channel = channel_of(settings)
        while events := await database.transact(partial(lifecycle.claim, now=clock(), limit=_AT_ONCE)):
            taken += sum(await asyncio.gather(*(_try(database, channel, event, clock) for event in events)))
    return taken


def channel_of(settings: ProductEventSettings) -> WebhookChannel:
    """Return the channel to the product; its guard lets nothing go where Mailroom may not reach."""
    former = settings.secret_former
    return WebhookChannel(
        url=settings.url,
        signing_secret=settings.secret,
        previous_signing_secret=former if former.get_secret_value() else None,
        ca_certificates=settings.ca_certificates,
        timeout_seconds=TRY_SECONDS,
    )


async def _try(database: Database, channel: WebhookChannel, event: ProductEvent, clock: Clock) -> bool:
    parcel = Parcel(
        key=event.id,
        attempt=event.attempts,
        recipient="product",
        destination=_ADDRESSEE,
        event=event.type,
        facts=event.data,
    )
    error, again = "", None
    try:
        await channel.deliver(parcel)
    except MailroomError as refusal:
        error, now = str(refusal), clock()
        again = next_try(refusal, event_id=event.id, attempts=event.attempts, now=now, until=event.retry_until)
        _LOG.warning("Event %s (%s), attempt %d: %s", event.id, event.type, event.attempts, refusal)
    await database.transact(partial(lifecycle.record, event=event, error=error, again=again, now=clock()))
    return not error
