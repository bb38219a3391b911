"""Define what the API answers about suppressions, as models that the OpenAPI document shows too."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from api.actions.view import View


class SuppressionView(View):
    """An address that nothing is ever sent to."""

    id: str
    address: str = Field(description="The address in lower case; `@example.com` stands for every address there.")
    reason: str
    created_by: str
    created_at: datetime
