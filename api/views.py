"""What the API answers with, as models: the OpenAPI document and the answers come from the same place."""

from __future__ import annotations

import datetime as dt
from datetime import datetime
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from mailroom.schedules.conflicts.warning import Code
from mailroom.states import DeliveryState, ExecutionKind, ExecutionState, ScheduleState, SyncState

Item = TypeVar("Item")


class _View(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class PageView(_View, Generic[Item]):
    """One page of a list; `next_cursor` is null on the last."""

    items: list[Item]
    next_cursor: str | None = None


class NextRun(_View):
    """One due time, as an instant and as the schedule's owner sees it."""

    at: datetime = Field(examples=["2026-11-30T08:00:00Z"])
    local: datetime = Field(examples=["2026-11-30T09:00:00+01:00"])


class MovedView(_View):
    """Why a due time is not at the local time that the timing names."""

    local: datetime = Field(examples=["2027-03-28T02:30:00"], description="The local time that the timing names.")
    reason: Literal["holiday", "clock_change"]
    why: str


class DueTimeView(NextRun):
    """One due time of a preview."""

    words: str = Field(examples=["Monday 30 November 2026, 09:00 CET"])
    offset_change: str | None = Field(
        examples=["+01:00 -> +02:00"], description="Set on the first due time after the clocks change."
    )
    moved_from: MovedView | None


class LastRun(_View):
    """The last execution that began."""

    id: str
    kind: ExecutionKind
    due_at: datetime
    status: ExecutionState
    reason: str = ""
    reason_code: str | None = None
    delivered: int
    total: int


class SyncView(_View):
    """Whether Prefect shows what was saved; `pending` is mended by itself, `error` needs a person."""

    state: SyncState
    generation: int
    observed_generation: int
    error: str = ""


class WarningView(_View):
    """Something that its owner should know; it stops nothing."""

    code: Code
    message: str = Field(description="What, where, and what to do.")
    data: dict[str, Any] = Field(description="The same for programs; its members depend on the code.")


class ScheduleView(_View):
    """A schedule: what its user wrote, and how it stands."""

    id: str
    name: str
    report_id: str
    timing: dict[str, Any]
    parameters: dict[str, Any]
    formats: list[str]
    destinations: list[dict[str, Any]]
    condition: dict[str, Any]
    policy: dict[str, Any]
    state: ScheduleState
    next_runs: list[NextRun] = Field(description="The next five; none while it is not active.")
    last_run: LastRun | None
    sync: SyncView
    warnings: list[WarningView]
    etag: str
    created_at: datetime
    updated_at: datetime
    links: dict[str, str]


class PreviewView(_View):
    """What a timing means."""

    words: str = Field(examples=["Every Monday at 09:00 (Europe/Berlin)"])
    next_runs: list[DueTimeView]
    warnings: list[WarningView]


class CalendarView(_View):
    """A business calendar, without its days."""

    id: str
    title: str
    etag: str
    updated_at: datetime


class DayOff(_View):
    """A holiday."""

    date: dt.date
    name: str


class CalendarDetail(CalendarView):
    """A business calendar; `days_off` are its holidays of the coming year, the country's included."""

    country: str | None
    subdivision: str | None
    weekend: list[str]
    holidays: list[DayOff]
    working_days: list[dt.date]
    days_off: list[DayOff]


class CountryView(_View):
    """A country whose public holidays are known."""

    country: str = Field(examples=["DE"])
    subdivisions: list[str] = Field(examples=[["BE", "BY"]])


class BusiestMinute(_View):
    """The minute of a day in which the most schedules are due."""

    at: datetime
    local: datetime
    runs: int


class LoadView(_View):
    """How many schedules are due through a local day, by the timings as they are now."""

    date: dt.date
    timezone: str
    start: datetime = Field(description="The day's midnight, where the first bucket begins.")
    bucket_minutes: int = Field(examples=[15])
    runs: list[int] = Field(description="Runs in each bucket; 92 or 100 of them on days when the clocks change.")
    total: int
    busiest: BusiestMinute | None
    crowded_above: int = Field(description="More runs than this in one minute are warned of.")


class ArtifactView(_View):
    """One rendered file."""

    id: str
    filename: str
    format: str
    media_type: str
    size: int = Field(description="Bytes.")
    rows: int | None
    sha256: str
    expires_at: datetime
    download: str = Field(description="Where it can be downloaded, until it expires.")


class ErrorView(_View):
    """Why it failed; the log knows the id."""

    id: str | None
    message: str


class ExecutionView(_View):
    """Our record of working on one due time, test or request."""

    id: str
    schedule_id: str
    schedule_name: str
    kind: ExecutionKind
    due_at: datetime
    status: ExecutionState
    reason: str = Field(description="Why it is in this state, as a sentence.")
    reason_code: str | None = Field(description="The reason as a code, for programs.", examples=["overlap"])
    started_at: datetime | None
    completed_at: datetime | None
    delivered: int
    total: int
    error: ErrorView | None
    artifacts: list[ArtifactView]
    test_recipient: str | None
    links: dict[str, str]


class AttemptView(_View):
    """One try of a delivery."""

    number: int
    started_at: datetime
    ended_at: datetime | None
    outcome: DeliveryState | None
    error_message: str | None


class DeliveryView(_View):
    """One artifact set on its way to one recipient, with its attempts."""

    id: str
    channel: str
    connection: str
    recipient: str
    status: DeliveryState
    delivered_at: datetime | None
    next_attempt_at: datetime | None
    receipt: dict[str, Any] | None
    error_message: str | None
    attempts: list[AttemptView]


class ExecutionDetail(ExecutionView):
    """An execution with its deliveries."""

    deliveries: list[DeliveryView]


class ConnectionView(_View):
    """A connection without its secrets."""

    name: str
    kind: str
    description: str
    created_at: datetime
    updated_at: datetime


class ConnectionDetail(ConnectionView):
    """A connection with its settings; a secret that is set shows as `{"secret": true}`."""

    settings: dict[str, Any]


class ConnectionKind(_View):
    """A kind of connection and the JSON Schema of its settings."""

    kind: str
    title: str
    description: str
    use: str = Field(examples=["channel", "source"])
    settings: dict[str, Any] = Field(description="JSON Schema.")


class CheckView(_View):
    """What the far side said."""

    ok: bool
    message: str


class ReportSummary(_View):
    """A report in a list."""

    id: str
    title: str
    version: str
    created_at: datetime
    updated_at: datetime


class ReportView(ReportSummary):
    """A report with its definition."""

    definition: dict[str, Any]
    warnings: list[str] = Field(default_factory=list)


class AuditView(_View):
    """Who changed what."""

    id: str
    at: datetime
    actor: str
    action: str
    entity_type: str
    entity_id: str
    detail: dict[str, Any]


class NotificationView(_View):
    """Something that a user should know."""

    id: str
    at: datetime
    severity: str
    title: str
    body: str
    schedule_id: str | None
    execution_id: str | None
    read_at: datetime | None


class TestReceipt(_View):
    """What the far side confirmed of a test message."""

    __test__ = False  # pytest: this is not a test class.

    channel: str
    connection: str
    recipient: str
    reference: str
    confirmed_at: datetime


class Health(_View):
    """Whether the process lives, and what it needs answers."""

    status: str
    checks: dict[str, str] = Field(default_factory=dict)
