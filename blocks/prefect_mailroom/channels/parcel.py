"""Define what a channel takes to one recipient, and the receipt it brings back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prefect_mailroom.channels.base import Destination


@dataclass(frozen=True, slots=True)
class ParcelFile:
    """One file to deliver.

    Attributes:
        path: where the file lies on this machine.
        filename: what it is called at the far side.
        size: length of the content in bytes.
        sha256: lower-case hex digest of the content.
    """

    path: Path
    filename: str
    media_type: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class InlineImage:
    """A picture that the HTML body shows as `<img src="cid:{content_id}">`."""

    content_id: str
    media_type: str
    data: bytes
    alt: str = ""


@dataclass(frozen=True, slots=True)
class Parcel:
    """Everything that one delivery needs; it is fixed before the first byte is sent.

    Attributes:
        key: the idempotency key of (execution, destination, recipient); the same for every attempt.
        attempt: 1 for the first try.
        recipient: the mail address, path or endpoint label this delivery is for.
        destination: the channel's own settings on the schedule, validated by its `Destination` model.
        files: the artifacts, in the order of the schedule's formats; may be empty.
        subject, text, html, images: the message, for channels that carry one.
        variables: values for `{name}` and `{name:format}` in paths and texts (see `text/variables.py`).
        facts: JSON-ready facts for machine channels (report, schedule, due_at, window, links) about the `event`.
        links: for each file, by its SHA-256, the address where the recipient can fetch it; empty where none are made.
        unsubscribe_url: the address at which this recipient stops such mails; empty where there is none.
        is_test: marks a test delivery; every channel shows it to the reader.
        on_progress: is told how many bytes of how many have left, where a channel sends so much that people wait. It
            may be called from any thread, must return at once, and must not raise.
        last_look: asks once more whether the parcel may leave, and raises `Withdrawn` where it may not. A channel that
            waits for the far side first awaits it, by `Parcel.look_again`.
    """

    key: str
    attempt: int
    recipient: str
    destination: Destination
    files: tuple[ParcelFile, ...] = ()
    subject: str = ""
    text: str = ""
    html: str = ""
    images: tuple[InlineImage, ...] = ()
    variables: Mapping[str, str | int | date | datetime | time] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    unsubscribe_url: str = ""
    event: str = "report.ready"
    is_test: bool = False
    on_progress: Callable[[int, int], None] | None = field(default=None, repr=False, compare=False)
    last_look: Callable[[], Awaitable[None]] | None = field(default=None, repr=False, compare=False)

    async def look_again(self) -> None:
        """Ask once more whether the parcel may leave.

        Raises:
            Withdrawn: it may not; nothing of its content has left.
            RetryLater: nobody could say.
        """
        if self.last_look is not None:
            await self.last_look()


class Grade(StrEnum):
    """Grade what a receipt proves, from most to least."""

    STORED = "stored"
    """The far side holds the content: it was read back, or its size or checksum was."""
    ACCEPTED_WITH_ID = "accepted_with_id"
    """The far side took it, and gave an id to ask about."""
    ACCEPTED = "accepted"
    """The far side said yes, and nothing more."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """The confirmation of the far side.

    Attributes:
        grade: how much it proves.
        reference: the shortest thing to ask the far side about: a queue id, a remote path, an ETag.
        detail: the rest, JSON-ready: reply, bytes, checksum. It holds no secret and no far side's whole answer.
    """

    reference: str
    detail: Mapping[str, Any] = field(default_factory=dict)
    grade: Grade = Grade.ACCEPTED
    confirmed_at: datetime = field(default_factory=lambda: datetime.now(UTC))
