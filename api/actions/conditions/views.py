"""Define what the API answers about conditions."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.actions.view import View
from mailroom.executions.conditions.spec import Condition
from mailroom.states import ExecutionState

Unknown = Literal["not_rendered", "not_kept", "no_query", "no_column", "not_comparable"]


class ConditionRequest(BaseModel):
    """A condition to try on past runs; without one, the schedule's own."""

    model_config = ConfigDict(extra="forbid")

    condition: Condition | None = None


class WouldBeView(View):
    """The verdict of a condition on one past run."""

    execution_id: str
    due_at: datetime
    status: ExecutionState
    sent: bool | None = Field(description="Whether it would have been sent; null where that is not known.")
    reason: str = Field(description="Why it would not have been sent, or why that is not known; else empty.")
    reason_code: str | None = Field(description="Why it would not have been sent, as executions have it.")
    reason_values: dict[str, Any]
    unknown: Unknown | None = Field(
        description=(
            "Why it is not known. `not_rendered`: the run ended before it had data, or an earlier version rendered it. "
            "`not_kept`: what is kept of its data does not say. `no_query`, `no_column`: its data had none of that "
            "name. `not_comparable`: the values are of another kind."
        )
    )


class LookBackView(View):
    """The verdicts of a condition on the last ten runs of a schedule, the latest first. Tests are left out."""

    condition: dict[str, Any]
    words: str = Field(examples=["Only if a value of delay is at least 30 (query flights)"])
    would_be_sent: int
    would_not_be_sent: int
    not_known: int
    runs: list[WouldBeView]
