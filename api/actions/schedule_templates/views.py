"""Define what the API answers about templates, as models that the OpenAPI document shows too."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from api.actions.view import View


class TemplateView(View):
    """A template: some fields of a schedule to start others from."""

    id: str
    owner: str | None = Field(description="The id of the user who owns it; null for those that come with Mailroom.")
    title: str
    description: str
    body: dict[str, Any] = Field(description="Some fields of a schedule.")
    etag: str
    created_at: datetime | None
    updated_at: datetime | None
