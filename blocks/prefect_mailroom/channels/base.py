"""What every channel is: a Prefect block that takes a parcel to one recipient and brings back a receipt.

The base class owns the attempt (limits, timeout, the translation of what no channel expected); a channel owns its
transfer. Adding a channel is one file: a `Destination` model, a `Channel` subclass, an entry in `channels.py`, and
the conformance suite of `testing.py` run against its real server.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any, ClassVar

from prefect.blocks.core import Block
from pydantic import BaseModel, ConfigDict, Field

from prefect_mailroom.errors import MailroomError, OutcomeUnknown, Refused


@dataclass(frozen=True, slots=True)
class ParcelFile:
    """One file to deliver: where it lies, and what it is called at the far side.

    `sha256` is the lower-case hex digest of the content, `size` its length in bytes.
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
    """Everything one delivery needs, fixed before the first byte is sent.

    Attributes:
        key: the idempotency key of (execution, destination, recipient); the same for every attempt.
        attempt: 1 for the first try.
        recipient: the mail address, path or endpoint label this delivery is for.
        destination: the channel's own settings on the schedule, validated by its `Destination` model.
        files: the artifacts, in the order of the schedule's formats; may be empty.
        subject, text, html, images: the message, for channels that carry one.
        variables: values for `{name}` and `{name:format}` in paths and names (see `variables.py`).
        facts: JSON-ready facts about the report for machine channels (report, schedule, due_at, window, links).
        is_test: marks a test delivery; every channel shows it to the reader.
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
    is_test: bool = False


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the far side confirmed.

    `reference` is the shortest thing to ask the far side about (a queue id, a remote path, an ETag); `detail` is
    JSON-ready and holds the rest: reply, bytes, checksum. Neither may hold a secret or a far side's whole answer.
    """

    reference: str
    detail: Mapping[str, Any] = field(default_factory=dict)
    confirmed_at: datetime = field(default_factory=lambda: datetime.now(UTC))


class Destination(BaseModel):
    """A channel's settings on one schedule. Holds no secret; credentials are in the connection's block.

    `channel` is the registry's kind, `connection` the name of the Prefect block document.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    channel: str
    connection: str = Field(min_length=1, max_length=100, pattern=r"^[a-z0-9][a-z0-9-]*$")

    def recipients(self) -> list[str]:
        """Who or what gets a delivery of its own, without repeats, in order."""
        return [self.connection]

    def for_test(self, caller: str) -> Destination | None:
        """This destination turned to the caller of a test alone, or None where the channel cannot do that."""
        return None


class Channel(Block):
    """A named, encrypted connection that can deliver parcels.

    Subclasses set `kind` and `destination_type` and implement `transfer` and `check`.
    """

    # A rejected value may be a secret: pydantic would print it.
    model_config = ConfigDict(hide_input_in_errors=True)

    kind: ClassVar[str]
    destination_type: ClassVar[type[Destination]]
    max_bytes: ClassVar[int | None] = None

    timeout_seconds: float = Field(
        default=60, gt=0, le=3600, description="How long one attempt may take, in seconds, before it is given up."
    )

    async def deliver(self, parcel: Parcel) -> Receipt:
        """Take the parcel to its recipient once.

        Returns what the far side confirmed.

        Raises:
            ConfigurationError, RetryLater, Refused, OutcomeUnknown: see `errors.py`. Whatever else the transfer
                raises or a time-out ends as `OutcomeUnknown`: after an error nobody expected, the far side may have it.
        """
        if self.max_bytes is not None and (size := sum(file.size for file in parcel.files)) > self.max_bytes:
            raise Refused(
                f"The files for {parcel.recipient} are {size:,} bytes; this channel takes {self.max_bytes:,}.",
                remedy="Choose fewer formats, compress them, or send a link.",
            )
        try:
            async with asyncio.timeout(self.timeout_seconds):
                return await self.transfer(parcel)
        except MailroomError:
            raise
        except TimeoutError as error:
            raise OutcomeUnknown(
                f"No answer from {self.kind} within {self.timeout_seconds:g} s.",
                remedy="It is tried again under the same key; raise the connection's timeout if the far side is slow.",
            ) from error
        except Exception as error:
            raise OutcomeUnknown(f"Delivery by {self.kind} broke off: {type(error).__name__}.") from error

    @abstractmethod
    async def transfer(self, parcel: Parcel) -> Receipt:
        """Send once; translate the vendor's errors into `errors.py` here and nowhere else."""

    @abstractmethod
    async def check(self) -> str:
        """Prove that the connection works without delivering anything; returns one line about the far side."""
