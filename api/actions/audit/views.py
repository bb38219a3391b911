"""Define what the API answers about the audit trail, as models that the OpenAPI document shows too."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from api.actions.view import View


class AuditView(View):
    """An entry of the audit trail: who did what to which thing, when, how, and from where."""

    id: str
    at: datetime
    actor: str = Field(description="The address of who did it; `mailroom` where no person did.", examples=["mailroom"])
    on_behalf_of: str | None = Field(
        description="For whom it was done: the user for whom an admin acted, or the owner of what was sent; else null."
    )
    action: str = Field(examples=["sent"])
    entity_type: str = Field(examples=["execution"])
    entity_id: str
    detail: dict[str, Any] = Field(
        description="What belongs to the action, such as before and after of a change. It never holds a secret.",
        examples=[{"recipient": "ada@example.com", "channel": "email", "attempt": 1, "outcome": "delivered"}],
    )
    address: str | None = Field(
        default=None, description="The address that the request came from. Only admins see it.", examples=["192.0.2.7"]
    )
    login: str | None = Field(
        default=None,
        description="What was logged in with, such as the prefix of a key. Only admins see it.",
        examples=["key mrk_1a2b3c4d"],
    )
