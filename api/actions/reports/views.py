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
    description: str = ""
    formats: list[str] = Field(default_factory=list, description="The formats that it can be sent in.")
    owner: str = Field(
        default="",
        description="Who answers for it, as its definition says; else who has defined it.",
    )
    used_by: int | None = Field(default=None, description="How many schedules use it; null where nobody asked for it.")
    version: str
    created_at: datetime
    updated_at: datetime


class ReportVersion(View):
    """A version of a report: since when, by whom, and what it changed."""

    version: str
    at: datetime
    by: str = Field(description="Who saved it; `mailroom` where it came from a folder of reports.")
    first: bool = Field(description="Whether the report was created with it.")
    changed: list[str] = Field(description="The parts of the definition that differ from the version before.")


class ReportView(ReportSummary):
    """A report with its definition."""

    definition: dict[str, Any]
    owner_id: str | None = Field(default=None, description="The user whose it is; null for the installation's.")
    warnings: list[str] = Field(default_factory=list)
    suspended: list[str] = Field(
        default_factory=list, description="The ids of the schedules that this change has suspended."
    )

    @property
    def etag(self) -> str:
        """Return the version as an ETag."""
        return etag_of(self.version)
