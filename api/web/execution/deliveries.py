"""Lay out the deliveries of a run by destination: state, receipt, attempts and next try of each. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from api.actions.executions.views import AttemptView, DeliveryView
from api.web import words
from api.web.execution.receipts import ReceiptWords, receipt_words
from api.web.execution.timeline import Clock
from api.web.parts import Chip, Moment
from mailroom.executions.history.upload_words import of_bytes
from mailroom.states import DeliveryState


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of a delivery."""

    words: str
    at: str
    error: str = ""


@dataclass(frozen=True, slots=True)
class Upload:
    """Hold how far a large upload is: `words` say it, such as "62 of 214 MB"."""

    sent: int
    total: int
    words: str


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """A delivery. `note` says why it is not there, and when it is tried again."""

    id: str
    recipient: str
    chip: Chip
    at: Moment | None
    note: str
    receipt: ReceiptWords | None
    attempts: tuple[Attempt, ...]
    downloads: str = ""
    upload: Upload | None = None


@dataclass(frozen=True, slots=True)
class DestinationGroup:
    """The deliveries through one connection."""

    words: str
    icon: str
    connection: str
    count: str
    rows: tuple[DeliveryRow, ...]


def groups_of(deliveries: Sequence[DeliveryView], clock: Clock) -> tuple[DestinationGroup, ...]:
    """Return deliveries by the connection that they go through, what failed first."""
    places: dict[tuple[str, str], list[DeliveryView]] = {}
    for one in deliveries:
        places.setdefault((one.channel, one.connection), []).append(one)
    groups = []
    for (channel, connection), rows in places.items():
        done = sum(one.status is DeliveryState.DELIVERED for one in rows)
        shown = tuple(_delivery(one, clock) for one in sorted(rows, key=_urgency))
        told = f"{done} of {len(rows)} delivered"
        groups.append(DestinationGroup(words.kind_words(channel), words.kind_icon(channel), connection, told, shown))
    return tuple(groups)


def _urgency(one: DeliveryView) -> int:
    """Return the place of a delivery among others: what failed first, what is there last."""
    order = (
        DeliveryState.REFUSED,
        DeliveryState.FAILED,
        DeliveryState.UNKNOWN,
        DeliveryState.SENDING,
        DeliveryState.PENDING,
        DeliveryState.SUPPRESSED,
        DeliveryState.DELIVERED,
    )
    return order.index(one.status)


def _delivery(one: DeliveryView, clock: Clock) -> DeliveryRow:
    note = one.error_message or ""
    if one.status is DeliveryState.DELIVERED:
        note = ""
    elif one.status is DeliveryState.UNKNOWN and not note:
        note = "It left, and no answer came. It may have arrived."
    if one.next_attempt_at is not None:
        told = f"Next try {clock.text(one.next_attempt_at, seconds=False)}, {clock.when.relative(one.next_attempt_at)}."
        note = f"{note} {told}".strip()
    last = one.attempts[-1] if one.attempts else None
    at = one.delivered_at or (last.ended_at or last.started_at if last else None)
    return DeliveryRow(
        id=f"delivery-{one.id}",
        recipient=one.recipient,
        chip=words.delivery_chip(one.status, again=one.next_attempt_at is not None),
        at=clock.at(at),
        note=note,
        receipt=receipt_words(one.receipt, one.grade),
        attempts=tuple(_attempt(attempt, clock) for attempt in one.attempts),
        downloads=_downloads(one, clock),
        upload=_upload(one),
    )


def _upload(one: DeliveryView) -> Upload | None:
    if one.status is not DeliveryState.SENDING or one.sent_bytes is None or not one.total_bytes:
        return None
    return Upload(one.sent_bytes, one.total_bytes, of_bytes(one.sent_bytes, one.total_bytes))


def _downloads(one: DeliveryView, clock: Clock) -> str:
    if not one.download_count:
        return ""
    last = f", last {clock.text(one.downloads[0].at, seconds=False)}" if one.downloads else ""
    return f"Fetched by its link {words.count(one.download_count, 'time')}{last}."


def _attempt(one: AttemptView, clock: Clock) -> Attempt:
    if one.outcome is not None:
        told = words.delivery_chip(one.outcome).words
    else:
        told = "Broken off" if one.ended_at else "Under way, or broken off"
    until = f" to {clock.text(one.ended_at)}" if one.ended_at else ""
    return Attempt(f"Try {one.number}: {told.lower()}", f"{clock.text(one.started_at)}{until}", one.error_message or "")
