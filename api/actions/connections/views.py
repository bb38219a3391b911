"""Define what the API answers about connections, as models that the OpenAPI document shows too."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from api.actions.view import View


class ConnectionView(View):
    """A connection without its secrets."""

    name: str
    kind: str
    description: str
    created_at: datetime
    updated_at: datetime


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
