"""What the API answers about audit, as models that the OpenAPI document shows too."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from api.actions.view import View


class AuditView(View):
    """Who changed what."""

    id: str
    at: datetime
    actor: str
    action: str
    entity_type: str
    entity_id: str
    detail: dict[str, Any]
