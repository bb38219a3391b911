"""The settings of incidents: when they are told, and when they go from the owner to the team and to the operators."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, model_validator


class IncidentSettings(BaseModel):
    """Everything about incidents that can be set; each is a variable `MAILROOM_INCIDENTS__…`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tell_after_seconds: float = Field(
        default=15,
        ge=0,
        le=3600,
        description="How long after it opened an incident is told, so that many with one cause become one first.",
    )
    team_after_failures: int = Field(
        default=3, ge=2, description="After so many failures in a row the owner's team is told as well."
    )
    team_after_minutes: int = Field(
        default=240, ge=1, description="After so long, if nobody has acknowledged it, the owner's team is told as well."
    )
    operator_after_failures: int = Field(
        default=5, ge=2, description="After so many failures in a row the operators are told as well."
    )
    operator_after_minutes: int = Field(
        default=1440, ge=1, description="After so long, if nobody has acknowledged it, the operators are told as well."
    )

    @model_validator(mode="after")
    def _operators_come_last(self) -> IncidentSettings:
        if self.operator_after_failures < self.team_after_failures:
            raise ValueError("operator_after_failures must not be less than team_after_failures")
        if self.operator_after_minutes < self.team_after_minutes:
            raise ValueError("operator_after_minutes must not be less than team_after_minutes")
        return self
