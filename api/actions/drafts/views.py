"""Define what the API answers about drafts, as models that the OpenAPI document shows too."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field, PrivateAttr

from api.actions.view import View
from mailroom.drafts.spec import Part, part_of
from mailroom.errors import Fault


class FaultView(View):
    """One thing wrong with a draft."""

    part: Part = Field(description="The part that has to be changed.")
    field: str = Field(examples=["timing.at"], description="The dotted place in the body of the schedule.")
    message: str
    remedy: str


class PartView(View):
    """One part of a draft, as it was entered."""

    value: dict[str, Any] = Field(description="Some fields of a schedule, also with faults.")
    version: int = Field(
        description="The version of the draft by which this part was last changed; 0 if a template proposes it."
    )
    saved_at: datetime
    saved_by: str = Field(description="The mail address of the user who changed it last.")


class DraftSummary(View):
    """A draft in a list."""

    id: str
    owner: str = Field(description="The id of the user who owns it.")
    name: str = Field(description="The name that the schedule is to have; empty if it has none yet.")
    report_id: str | None
    schedule_id: str | None = Field(description="The schedule that the draft changes; null for a new one.")
    version: int
    created_at: datetime
    updated_at: datetime
    expires_at: datetime = Field(description="The time when the draft is removed unless it is changed.")


class DraftView(DraftSummary):
    """A draft: what was entered, what is missing, and what is wrong."""

    parts: dict[Part, PartView]
    missing: list[Part] = Field(description="The parts without which the draft cannot become a schedule.")
    faults: list[FaultView]
    starts_paused: bool = Field(description="Whether the draft is a copy, whose schedule begins paused.")
    activated_as: str | None = Field(description="The schedule that the draft has become.")
    schedule_etag: str | None = Field(description="The version of the schedule that the draft changes.")
    etag: str
    links: dict[str, str]

    def body(self) -> dict[str, Any]:
        """Return all parts together, as the body of a schedule that may lack some."""
        return {name: value for part in Part if part in self.parts for name, value in self.parts[part].value.items()}

    _found: list[Fault] = PrivateAttr(default_factory=list)

    def remember(self, found: list[Fault]) -> DraftView:
        """Keep the faults as the domain has them, for pages that say them in their own words."""
        self._found = found
        return self

    def faults_in(self, part: Part) -> list[Fault]:
        """Return what is wrong with one part, as the domain says it."""
        return [fault for fault in self._found if part_of(fault.field) is part]
