"""Define what the API answers about connections, as models that the OpenAPI document shows too."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from api.actions.view import View
from mailroom.states import BreakerState


class BreakerView(View):
    """The breaker of a connection: closed while deliveries go through it."""

    state: BreakerState
    since: datetime | None = Field(description="Since when it is in this state; null where it was never open.")
    reason: str = Field(description="Why it is not closed.")
    trips: int = Field(description="How often in a row it has opened.")
    next_probe_at: datetime | None = Field(description="When the connection is tried again, while it is open.")
    failed: int = Field(description="How many attempts through it failed within the last five minutes.")
    attempts: int = Field(description="How many attempts through it ended within the last five minutes.")


class ConnectionView(View):
    """A connection without its secrets."""

    name: str
    kind: str
    description: str
    created_at: datetime
    updated_at: datetime
    breaker: BreakerView | None = Field(
        default=None, description="Whether deliveries go through it; null for a source of reports."
    )


class ConnectionDetail(ConnectionView):
    """A connection with its settings; a secret that is set shows as `{"secret": true}`."""

    settings: dict[str, Any]


class ConnectionKind(View):
    """A kind of connection and the JSON Schema of its settings."""

    kind: str
    title: str
    description: str
    use: str = Field(examples=["channel", "source"])
    settings: dict[str, Any] = Field(description="JSON Schema.")


class CheckView(View):
    """The result of a check of a connection."""

    ok: bool
    message: str
