"""The port of every channel: a destination on a schedule, a parcel for one recipient, and the receipt it brings back.

A `Destination` is a channel's settings on one schedule; it answers what the rest of Mailroom asks about them, so that
nothing outside a channel's own folder knows its fields. A `Channel` is a Prefect block that takes a parcel to one
recipient: the base class owns the attempt (limits, timeout, unexpected errors), the channel its transfer.
CONTRIBUTING.md tells how to add one.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from prefect_mailroom.channels import limits
from prefect_mailroom.channels.parcel import Grade, InlineImage, Parcel, ParcelFile, Receipt
from prefect_mailroom.channels.reachable import Reachable
from prefect_mailroom.channels.retries import STANDARD, Retries
from prefect_mailroom.channels.shown import Shown
from prefect_mailroom.channels.steps import Steps
from prefect_mailroom.errors import ConfigurationError, MailroomError, OutcomeUnknown, Refused
from prefect_mailroom.own_class import OwnClass

__all__ = [
    "Channel",
    "Destination",
    "Grade",
    "IfExists",
    "InlineImage",
    "LinksFrom",
    "LinksTo",
    "Parcel",
    "ParcelFile",
    "Place",
    "Reader",
    "Receipt",
]

IfExists = Literal["overwrite", "timestamp", "fail"]
"""Choose for a file that is there already: it is replaced, it stays and ours gets the time, or ours is refused."""


class LinksTo(StrEnum):
    """Choose where the links of a parcel lead, for a destination that can use them.

    A person gets the page, since programs that look at links in mails would fetch the files.
    """

    PAGE = "page"
    """Links lead to a page that names the files and has a button for each."""
    FILE = "file"
    """Links lead to the file itself, for a program."""


_NAME = r"^[a-z0-9][a-z0-9-]*$"
LinksFrom = Annotated[
    str,
    Field(
        max_length=100,
        pattern=r"^([a-z0-9][a-z0-9-]*)?$",
        description="The connection of the object store that links to files lead to: the files are kept there, and the "
        "store signs the links. Leave it empty for Mailroom's own links.",
    ),
]
"""The field of a destination that names where its links come from; empty for Mailroom's own."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody whom a destination reaches.

    Attributes:
        label: the name that people know this reader by, such as a mail address.
        identity: equal for two destinations of one channel if, and only if, they reach the same reader. It holds the
            connection where the connection decides who that is.
    """

    label: str
    identity: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """A file or URL that a destination writes, below its connection.

    Attributes:
        template: the path or URL as its user wrote it, with its variables.
        if_exists: what becomes of the content that is there already.
    """

    template: str
    if_exists: IfExists = "overwrite"


class Destination(BaseModel, ABC):
    """A channel's settings on one schedule. They hold no secret; credentials are in the connection's block.

    `channel` is the kind in the registry, `connection` the name of the Prefect block document. A module with a
    destination loads without the client of its vendor.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    links_to: ClassVar[LinksTo | None] = None
    """The links to files in `Parcel.links` of its parcels lead to this place; None where it has no use for any."""

    keeps_for_links: ClassVar[bool] = False
    """True where connections of this channel can keep files for the links of others, see `objects.keeping`."""

    channel: str
    connection: str = Field(min_length=1, max_length=100, pattern=_NAME)

    def links_connection(self) -> str:
        """Return the connection whose store its links come from; empty where they are Mailroom's own, or it has none.

        A destination that can use links and has the field `links_from` returns it.
        """
        return ""

    def connections(self) -> list[str]:
        """Return every connection that its deliveries may use: its own, and that of its links."""
        return [self.connection, *filter(None, [self.links_connection()])]

    def recipients(self) -> list[str]:
        """Return whatever gets a delivery of its own, without repeats, in order; by default the connection's name."""
        return [self.connection]

    def audience(self) -> list[Reader]:
        """Return the readers, so that two schedules that send them the same can be found.

        By default each recipient is a reader whom only this connection reaches, unless the destination writes to
        places: then the places are compared instead.
        """
        if self.places():
            return []
        return [Reader(recipient, (self.connection, recipient.casefold())) for recipient in self.recipients()]

    def addresses(self) -> list[str]:
        """Return the recipients that are mail addresses, whose number and domains may be limited; by default none."""
        return []

    def reached_by(self, recipient: str) -> list[str]:
        """Return the mail addresses that the delivery to one of the recipients reaches.

        By default its own where it is one; a channel that has one delivery for a group returns everybody's.
        """
        return [recipient] if recipient in self.addresses() else []

    def without(self, address: str) -> Self | None:
        """Return a copy that does not reach this mail address, whatever its case, or None where nobody is left."""
        return self

    @abstractmethod
    def templates(self) -> Mapping[str, str]:
        """Return every setting that is a template, by the name of its field, so that its variables can be checked."""

    def templates_of_files(self) -> set[str]:
        """Return which templates are expanded for each file, and so have values for `{ext}`, `{format}`, `{file_name}`.

        By default the templates of places.
        """
        places = {place.template for place in self.places()}
        return {field for field, template in self.templates().items() if template in places}

    @abstractmethod
    def places(self) -> list[Place]:
        """Return the files and URLs that this destination writes; empty where each delivery adds something new."""

    @abstractmethod
    def for_test(self, caller: str) -> Self | None:
        """Return a copy that reaches the caller of a test alone, or None where the channel cannot do that.

        Args:
            caller: the mail address of the person who tests.

        Raises:
            ConfigurationError: the channel cannot reach this caller.
        """

    @classmethod
    def trial_settings(cls, caller: str) -> Mapping[str, Any]:
        """Return the settings that a trial of a connection needs where the caller gives none."""
        return {}


class Channel(Reachable, OwnClass):
    """A named, encrypted connection that can deliver parcels.

    Subclasses set `kind` and `destination_type` and implement `transfer` and `check`. Each class may name in
    `harmless_fields` those of its own fields that decide neither where a secret is sent nor who can read it on the way:
    when one of them changes, stored secrets may stay; when any other does, they have to be sent again.
    """

    # A rejected value may be a secret: pydantic would print it.
    model_config = ConfigDict(hide_input_in_errors=True)

    kind: ClassVar[str]
    destination_type: ClassVar[type[Destination]]
    max_bytes: ClassVar[int | None] = None
    harmless_fields: ClassVar[frozenset[str]] = frozenset(
        {"timeout_seconds", "retries", "max_per_second", "max_sessions"}
    )
    choosable: ClassVar[frozenset[str]] = frozenset()
    """The fields that `choices` can list. They may be empty until one is chosen."""

    timeout_seconds: float = Field(
        default=60, gt=0, le=3600, description="How many seconds one attempt may take before it is given up."
    )
    retries: Retries = Field(
        default=STANDARD,
        description=(
            "When a delivery that failed is tried again. By default after 30 seconds, 5 minutes, 30 minutes, 2 hours, "
            "and then every 2 hours."
        ),
    )
    max_per_second: float | None = limits.rate(None)
    max_sessions: int = limits.sessions(limits.USUAL_SESSIONS)

    async def deliver(self, parcel: Parcel) -> Receipt:
        """Take the parcel to its recipient once, and return what the far side confirmed.

        Raises:
            ConfigurationError, RetryLater, Refused, OutcomeUnknown: see `errors.py`. Whatever else the transfer
                raises or a time-out ends as `OutcomeUnknown`: after an error nobody expected, the far side may have it.
        """
        if not isinstance(parcel.destination, self.destination_type):
            raise ConfigurationError(
                f"The destination uses the channel '{parcel.destination.channel}', but the connection is "
                f"for '{self.kind}'.",
                remedy="Choose a connection of the same channel as the destination.",
                field="channel",
            )
        if self.max_bytes is not None and (size := sum(file.size for file in parcel.files)) > self.max_bytes:
            raise Refused(
                (
                    f"The files for {parcel.recipient} are {size:,} bytes, but this channel takes at most "
                    f"{self.max_bytes:,}."
                ),
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
                remedy=(
                    "The delivery will be tried again under the same key. If the server is slow, raise the "
                    "connection's timeout."
                ),
            ) from error
        except Exception as error:
            raise OutcomeUnknown(f"Delivery by {self.kind} failed unexpectedly: {type(error).__name__}.") from error

    @classmethod
    def sends_as(cls, settings: Mapping[str, Any]) -> str:
        """Return as whom a connection with these settings sends, without a secret; by default the user at the host."""
        user, host = settings.get("username"), settings.get("host")
        return f"{user}@{host}" if user and host else ""

    def credentials_end(self) -> datetime | None:
        """Return when the credentials end, where they say so themselves; by default None."""
        return None

    async def screen(self) -> None:
        """Refuse a connection whose host may never be reached, before it is stored; by default none, see `outbound`."""

    async def choices(self) -> Mapping[str, Sequence[str]]:
        """Return what fields of the connection can be chosen from, such as the buckets that it may list.

        Raises:
            ConfigurationError, RetryLater: the far side does not tell.
        """
        return {}

    async def needs_links(self, parcel: Parcel) -> bool:
        """Tell whether the parcel would be sent with links to its files; by default none is."""
        return False

    async def shown(self, parcel: Parcel) -> Shown | None:
        """Return how people will see a parcel, without sending it; by default None, as for files and programs."""
        return None

    @abstractmethod
    async def transfer(self, parcel: Parcel) -> Receipt:
        """Send once; translate the vendor's errors into `errors.py` here and nowhere else.

        Args:
            parcel: its destination is of this channel's `destination_type`; `deliver` has checked that.
        """

    @abstractmethod
    async def check(self, steps: Steps) -> str:
        """Prove that the connection works without delivering anything; return one line about the far side.

        Args:
            steps: is told each step as it is tried.
        """
