"""Choose schedules, and their order in a list."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from mailroom.states import ScheduleState

Sort = Literal["created_at", "-created_at", "updated_at", "-updated_at", "name", "-name"]


class ScheduleFilter(BaseModel):
    """A choice of schedules: those that are not deleted and match every given condition."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    state: ScheduleState | None = None
    report_id: str | None = Field(default=None, max_length=80)
    owner: str | None = Field(default=None, max_length=80, description="The id of the owner.")
    search: str | None = Field(default=None, max_length=200, description="Text that the name contains.")
