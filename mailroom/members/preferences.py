"""Say what a user prefers: the language of dates, the hours of a day, colours, density, and what to be told.

The time zone is a field of the user, since schedules need it, too.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError


class Preferences(BaseModel):
    """The preferences of a user."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    locale: str = Field(default="en-GB", max_length=20, description="The language of dates and numbers, such as de-DE.")
    hours: Literal["24", "12"] = "24"
    theme: Literal["auto", "light", "dark"] = "auto"
    density: Literal["comfortable", "compact"] = "comfortable"
    alerts: dict[str, dict[str, bool]] = Field(
        default_factory=dict,
        description="What the user has chosen to be told or not, by kind and route. All else is told.",
    )


def preferences_of(stored: dict[str, Any] | None) -> Preferences:
    """Return stored preferences. What cannot be read any more is as if it had never been chosen."""
    try:
        return Preferences.model_validate(stored or {})
    except ValidationError:
        return Preferences()
