"""Choose schedules, and their order in a list."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from mailroom.schedules.listing.choice import Choice
from mailroom.states import ScheduleState

Sort = Literal["created_at", "-created_at", "updated_at", "-updated_at", "name", "-name", "next_run", "attention"]


class ScheduleFilter(BaseModel):
    """A choice of schedules: those that are not deleted and match every given condition."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    state: ScheduleState | None = None
    report_id: str | None = Field(default=None, max_length=80)
    owner: str | None = Field(default=None, max_length=80, description="The id of the owner.")
    search: str | None = Field(default=None, max_length=200, description="Text that the name contains.")
    failing: bool | None = Field(
        default=None,
        description=(
            "Whether it needs attention: it is suspended, or its last run failed, was missed or reached only some, and "
            "nobody has paused it."
        ),
    )
    recipient: str | None = Field(
        default=None, max_length=320, description="A mail address that it sends to, whatever its case."
    )
    channel: str | None = Field(default=None, max_length=40, description="The channel of one of its destinations.")
    connection: str | None = Field(
        default=None, max_length=100, description="The connection of one of its destinations."
    )
    due_from: AwareDatetime | None = Field(default=None, description="It is due next at this time or later.")
    due_to: AwareDatetime | None = Field(default=None, description="It is due next before this time.")

    def is_empty(self) -> bool:
        """Tell whether it names no condition, and so matches every schedule."""
        return not any(value or value is False for value in self.model_dump().values())

    def choice(self) -> Choice:
        """Return it as the domain knows it."""
        named = self.model_dump(exclude={"owner"})
        return Choice(user_id=self.owner, **named)
