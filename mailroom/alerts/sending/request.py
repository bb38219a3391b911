"""Send an alert to operators as a request that is signed after Standard Webhooks, by the channel that schedules use."""

from __future__ import annotations

from typing import Any

from mailroom.alerts.sending.errors import RouteClosed
from mailroom.alerts.timing import ATTEMPT_SECONDS
from mailroom.alerts.words.message import Message
from mailroom.incidents.words.story import Story
from mailroom.setting_groups.alerts import AlertSettings
from prefect_mailroom.channels.base import Parcel, Receipt
from prefect_mailroom.channels.webhook.channel import WebhookChannel
from prefect_mailroom.channels.webhook.destination import WebhookDestination


def facts_of(story: Story, message: Message) -> dict[str, Any]:
    """Return what a request says, ready for JSON. Pure."""
    return {
        "incident": {
            "id": story.incident_id,
            "kind": str(story.kind),
            "subject": story.subject,
            "severity": str(story.severity),
            "opened_at": story.opened_at.isoformat(),
            "resolved_at": story.resolved_at.isoformat() if story.resolved_at else None,
            "schedules": len(story.schedules) + story.others,
        },
        "stage": str(story.stage),
        "level": str(story.level),
        "title": message.title,
        "text": message.body,
        "link": message.link,
    }


async def send(
    settings: AlertSettings, story: Story, message: Message, *, key: str, attempt: int, is_test: bool = False
) -> Receipt:
    """Send a request once. `webhook-id` is the key, the same for every attempt.

    Raises:
        RouteClosed: no address is set.
        MailroomError: see `prefect_mailroom.errors`.
    """
    if not settings.has_webhook:
        raise RouteClosed("No address for requests is set.", remedy="Set MAILROOM_ALERTS__WEBHOOK_URL.")
    former = settings.webhook_secret_former
    channel = WebhookChannel(
        url=settings.webhook_url,
        signing_secret=settings.webhook_secret,
        previous_signing_secret=former if former.get_secret_value() else None,
        timeout_seconds=ATTEMPT_SECONDS,
    )
    parcel = Parcel(
        key=key,
        attempt=attempt,
        recipient="operators",
        destination=WebhookDestination(connection="alerts"),
        event=f"incident.{story.stage}",
        facts=facts_of(story, message),
        is_test=is_test,
    )
    return await channel.deliver(parcel)
