"""The settings of a webhook on a schedule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from prefect_mailroom.channels.base import Destination, LinksTo, Place


class WebhookDestination(Destination):
    """`facts` posts JSON about the report; `multipart` posts the same as the part `facts`, then each file as `file`."""

    links_to: ClassVar[LinksTo | None] = LinksTo.FILE

    channel: Literal["webhook"] = "webhook"
    payload: Literal["facts", "multipart"] = "facts"

    def templates(self) -> Mapping[str, str]:
        """Return nothing: no setting is a template."""
        return {}

    def places(self) -> list[Place]:
        """Return nothing: each request is a new one, and the endpoint is the connection's."""
        return []

    def for_test(self, caller: str) -> WebhookDestination:
        """Return the same endpoint; the body says `"test": true`."""
        return self
