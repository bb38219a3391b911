"""The settings of retention: for how many days what has happened is kept."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings

SHORTEST = 45
"""The account of what was due looks at 31 days; what it reads is kept for longer than that."""


class RetentionSettings(BaseSettings):
    """Everything about retention that can be set; each field is the variable `MAILROOM_<FIELD>` in capitals.

    Files are kept for `artifact_days`, the audit trail for `audit_days`; these are set elsewhere.
    """

    execution_days: int = Field(
        default=400,
        ge=SHORTEST,
        description="How long executions and their deliveries are kept. The last one of each schedule stays.",
    )
    attempt_days: int = Field(
        default=90,
        ge=7,
        description="How long each single attempt of a delivery is kept; at most as long as executions.",
    )
    event_days: int = Field(
        default=180, ge=7, description="How long notifications and resolved incidents with their alerts are kept."
    )
    prefect_days: int = Field(
        default=90,
        ge=1,
        description="How long the embedded Prefect keeps its own flow runs. Ours are kept apart from them.",
    )

    @model_validator(mode="after")
    def _attempts_end_first(self) -> Self:
        if self.attempt_days > self.execution_days:
            raise ValueError(
                f"attempt_days is {self.attempt_days}, and attempts cannot be kept for longer than their executions "
                f"(execution_days is {self.execution_days})"
            )
        return self
