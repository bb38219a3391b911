"""Define what the API answers about the audit trail, as models that the OpenAPI document shows too."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from api.actions.view import View


class AuditView(View):
    """A change, and who made it."""

    id: str
    at: datetime
    actor: str
    on_behalf_of: str | None = Field(description="The user for whom an admin acted; else null.")
    action: str
    entity_type: str
    entity_id: str
    detail: dict[str, Any]
