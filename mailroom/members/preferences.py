"""Say what a user prefers to see: the language of dates, the hours of a day, colours and density.

The time zone is a field of the user, since schedules need it, too.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError


class Preferences(BaseModel):
    """The preferences of a user for the pages."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    locale: str = Field(default="en-GB", max_length=20, description="The language of dates and numbers, such as de-DE.")
    hours: Literal["24", "12"] = "24"
    theme: Literal["auto", "light", "dark"] = "auto"
    density: Literal["comfortable", "compact"] = "comfortable"


def preferences_of(stored: dict[str, Any] | None) -> Preferences:
    """Return stored preferences. What cannot be read any more is as if it had never been chosen."""
    try:
        return Preferences.model_validate(stored or {})
    except ValidationError:
        return Preferences()
