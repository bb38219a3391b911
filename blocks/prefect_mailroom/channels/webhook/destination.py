"""The settings of a webhook on a schedule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field

from prefect_mailroom.channels.base import Destination, LinksFrom, LinksTo, Place
from prefect_mailroom.channels.webhook.expectation import Expectation


class WebhookDestination(Destination):
    """The endpoint of the connection gets a request for each delivery."""

    links_to: ClassVar[LinksTo | None] = LinksTo.FILE

    channel: Literal["webhook"] = "webhook"
    payload: Literal["facts", "link", "inline", "multipart"] = Field(
        default="facts",
        description=(
            "`facts` posts JSON about the report; `link` the same with a download link to each file; `inline` with the "
            "content of each file; `multipart` posts it as the part `facts`, then each file as `file`."
        ),
    )
    links_from: LinksFrom = ""
    expect: Expectation = Field(default=Expectation(), description="The answer that counts as a yes.")

    def links_connection(self) -> str:
        """Return the connection whose store keeps the files that links are posted to."""
        return self.links_from

    def templates(self) -> Mapping[str, str]:
        """Return nothing: no setting is a template."""
        return {}

    def places(self) -> list[Place]:
        """Return nothing: each request is a new one, and the endpoint is the connection's."""
        return []

    def for_test(self, caller: str) -> WebhookDestination:
        """Return the same endpoint; the body says `"test": true`."""
        return self
