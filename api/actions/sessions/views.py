"""Define what the API answers about web sessions, as models that the OpenAPI document shows too."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from api.actions.view import View
from mailroom.storage.model.login import WebSession


class SessionView(View):
    """A log-in of a browser that can be used now."""

    id: str
    user_id: str
    method: str = Field(description="How it began: password, oidc or link.", examples=["password"])
    address: str = Field(description="The address from which it began.")
    agent: str = Field(description="What the browser called itself.")
    created_at: datetime
    last_seen_at: datetime = Field(description="When it was last used; written at most once a minute.")
    expires_at: datetime = Field(description="When it ends in any case. It ends earlier when it is not used.")
    current: bool = Field(description="Whether this request was made in it.")


class CurrentSessionView(SessionView):
    """The session of this request."""

    csrf_token: str = Field(description="Send it as X-CSRF-Token with each request that changes something.")


def session_view(row: WebSession, current: str | None) -> SessionView:
    """Return a session as a view."""
    return SessionView(**_fields(row, current))


def current_view(row: WebSession, csrf_token: str) -> CurrentSessionView:
    """Return the session of a request as a view."""
    return CurrentSessionView(**_fields(row, row.id), csrf_token=csrf_token)


def _fields(row: WebSession, current: str | None) -> dict[str, object]:
    names = ("id", "user_id", "method", "address", "agent", "created_at", "last_seen_at", "expires_at")
    return {name: getattr(row, name) for name in names} | {"current": row.id == current}
