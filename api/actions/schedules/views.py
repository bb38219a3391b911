"""Define what the API answers about schedules, as models that the OpenAPI document shows too."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from api.actions.view import View
from mailroom.schedules.conflicts.warning import Code
from mailroom.states import ExecutionKind, ExecutionState, ScheduleState, SyncState


class NextRun(View):
    """One due time, as a point in time and as local time."""

    at: datetime = Field(examples=["2026-11-30T08:00:00Z"])
    local: datetime = Field(examples=["2026-11-30T09:00:00+01:00"])


class MovedView(View):
    """The reason why a due time is not at the local time that the timing names."""

    local: datetime = Field(examples=["2027-03-28T02:30:00"], description="The local time that the timing names.")
    reason: Literal["holiday", "clock_change"]
    why: str


class DueTimeView(NextRun):
    """One due time of a preview."""

    words: str = Field(examples=["Monday 30 November 2026, 09:00 CET"])
    offset_change: str | None = Field(
        examples=["+01:00 -> +02:00"],
        description=("The change of the UTC offset; set only on the first due time after the clocks change."),
    )
    moved_from: MovedView | None


class LastRun(View):
    """The last execution that began."""

    id: str
    kind: ExecutionKind
    due_at: datetime
    status: ExecutionState
    reason: str = ""
    reason_code: str | None = None
    delivered: int
    total: int


class SyncView(View):
    """The state of the Prefect deployment. `pending` resolves itself; `error` means that a person must act."""

    state: SyncState
    generation: int
    observed_generation: int
    error: str = ""


class WarningView(View):
    """A warning to the owner. The schedule runs anyway."""

    code: Code
    message: str = Field(description="A sentence that says what is wrong, where, and what to do about it.")
    data: dict[str, Any] = Field(description="The same information for programs; the fields depend on `code`.")


class ScheduleView(View):
    """A schedule as its user wrote it, with its present state."""

    id: str
    owner: str = Field(description="The id of the user who owns it.")
    name: str
    report_id: str
    timing: dict[str, Any]
    parameters: dict[str, Any]
    formats: list[str]
    destinations: list[dict[str, Any]]
    condition: dict[str, Any]
    policy: dict[str, Any]
    state: ScheduleState
    next_runs: list[NextRun] = Field(description="The next five due times. Empty while the schedule is not active.")
    last_run: LastRun | None
    next_run: datetime | None = Field(default=None, description="The next due time, None while nothing is due.")
    last_status: ExecutionState | None = Field(
        default=None, description="What the last run ended with, tests left out; None before the first."
    )
    failing: bool = Field(
        default=False,
        description=(
            "It is suspended, or its last run failed, was missed or reached only some, and nobody has paused it."
        ),
    )
    sync: SyncView
    warnings: list[WarningView]
    etag: str
    created_at: datetime
    updated_at: datetime
    delete_after: datetime | None = Field(
        description="Of a deleted schedule: until then, the deletion can be undone. Null for any other."
    )
    is_sample: bool = Field(default=False, description="It is sample data, which counts in no figure.")
    links: dict[str, str]


class PreviewView(View):
    """A timing in words, with its next due times and warnings."""

    words: str = Field(examples=["Every Monday at 09:00 (Europe/Berlin)"])
    next_runs: list[DueTimeView]
    warnings: list[WarningView]
