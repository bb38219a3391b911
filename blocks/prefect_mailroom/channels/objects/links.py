"""Links to an object that its store signs: whoever has one can fetch the object until it ends."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class SignedLink:
    """A link, and until when it works.

    Attributes:
        until: the end that was asked for, or the end of what signed it, whichever comes first.
    """

    url: str
    until: datetime


@runtime_checkable
class SignsLinks(Protocol):
    """A connection whose store signs links."""

    async def signed_link(self, name: str, *, filename: str, seconds: int) -> SignedLink:
        """Return a link to fetch an object below the connection's prefix.

        Args:
            filename: what a browser saves it as.
            seconds: how long it shall work; the identity's own life and the vendor's limit may end it earlier.

        Raises:
            ConfigurationError: this identity cannot sign links.
            RetryLater: what signs them does not answer.
        """
