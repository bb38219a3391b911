"""Define what the API answers about reports, as models that the OpenAPI document shows too."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from api.actions.view import View
from mailroom.versions import etag_of


class ReportSummary(View):
    """A report in a list."""

    id: str
    title: str
    version: str
    created_at: datetime
    updated_at: datetime


class ReportView(ReportSummary):
    """A report with its definition."""

    definition: dict[str, Any]
    warnings: list[str] = Field(default_factory=list)
    suspended: list[str] = Field(
        default_factory=list, description="The ids of the schedules that this change has suspended."
    )

    @property
    def etag(self) -> str:
        """Return the version as an ETag."""
        return etag_of(self.version)
