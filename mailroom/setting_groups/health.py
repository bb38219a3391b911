"""The settings of health: how long a part may be silent, late or short of room before it is told of."""

from __future__ import annotations

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings


class HealthSettings(BaseSettings):
    """Everything about health that can be set; each field is the variable `MAILROOM_<FIELD>` in capitals."""

    heartbeat_seconds: float = Field(
        default=10, gt=0, le=3600, description="How often a process writes the signs of life of its loops."
    )
    heartbeat_silent_seconds: float = Field(
        default=40, gt=0, description="How long a process may write no sign of life before it counts as dead."
    )
    prefect_silent_seconds: float = Field(
        default=30, gt=0, description="How long Prefect may answer no process before operators are told."
    )
    worker_silent_seconds: float = Field(
        default=0,
        ge=0,
        description=(
            "How long no worker may be heard from before operators are told. 0 means three times the pause after which "
            "the worker itself shows that it lives, and 5 s."
        ),
    )
    queue_behind_seconds: float = Field(
        default=300, gt=0, description="How long after its time the oldest occurrence may wait to be begun."
    )
    disk_low_mb: int = Field(
        default=1000, ge=0, description="Operators are told when less free disk space than this is left."
    )

    @model_validator(mode="after")
    def _one_miss_is_no_death(self) -> HealthSettings:
        if self.heartbeat_silent_seconds < 3 * self.heartbeat_seconds:
            raise ValueError(
                "MAILROOM_HEARTBEAT_SILENT_SECONDS must be at least three times MAILROOM_HEARTBEAT_SECONDS"
            )
        return self
