"""Define what the API answers about executions, as models that the OpenAPI document shows too."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from api.actions.artifacts.views import ArtifactView
from api.actions.view import View
from mailroom.states import DeliveryState, ExecutionKind, ExecutionState
from prefect_mailroom.channels.base import Grade


class ErrorView(View):
    """The reason for a failure. The log has more under the id."""

    id: str | None
    message: str


class ExecutionView(View):
    """The record of the work on one due time, test or request."""

    id: str
    schedule_id: str
    schedule_name: str
    kind: ExecutionKind
    due_at: datetime
    status: ExecutionState
    reason: str = Field(description="The reason for the state, as a sentence.")
    reason_code: str | None = Field(
        description="The reason for the state, as a code for programs.", examples=["overlap"]
    )
    reason_values: dict[str, Any] = Field(
        default_factory=dict, description="The values that the sentence of the reason has, for programs."
    )
    requested_at: datetime | None = Field(
        default=None, description="When it came into being: for a test or a request, when somebody asked for it."
    )
    started_at: datetime | None
    completed_at: datetime | None
    next_try_at: datetime | None = Field(
        default=None, description="When it goes on, for one that waits for its start, its turn or another try."
    )
    delivered: int
    total: int
    last_delivered_at: datetime | None = Field(
        default=None, description="When the latest of its deliveries was confirmed."
    )
    lateness_seconds: float | None = Field(
        default=None,
        description=(
            "From the due time until the latest delivery was confirmed, or until it ended without one. Null while it "
            "goes on, and for what was not due at that time, such as a backfill."
        ),
    )
    took_seconds: float | None = Field(
        default=None, description="From the begin of its first try until its end; null for what never began or goes on."
    )
    error: ErrorView | None
    artifacts: list[ArtifactView]
    test_recipient: str | None
    retry_requested_at: datetime | None = Field(
        default=None,
        description=("When a person asked for another try that has not begun yet; else null."),
    )
    corrects: str | None = Field(
        default=None, description="The id of the wrong execution that this one is sent in place of."
    )
    corrected_by: str | None = Field(
        default=None, description="The id of the execution that is sent in place of this one, since this one was wrong."
    )
    correction_reason: str | None = Field(default=None, description="What was wrong, as the recipients read it.")
    links: dict[str, str]


class DownloadView(View):
    """A file that was fetched by the link of a delivery: a confirmation that somebody has it."""

    at: datetime
    filename: str
    sha256: str
    address: str | None = Field(description="From where it was fetched; only admins see it.")
    agent: str = Field(description="What the program that fetched it says of itself, cut to 200 characters.")


class AttemptView(View):
    """One try of a delivery."""

    number: int
    started_at: datetime
    ended_at: datetime | None
    outcome: DeliveryState | None
    error_message: str | None


class DeliveryView(View):
    """The delivery of a set of files to one recipient, with its attempts."""

    id: str
    channel: str
    connection: str
    recipient: str
    status: DeliveryState
    delivered_at: datetime | None
    next_attempt_at: datetime | None
    receipt: dict[str, Any] | None
    grade: Grade | None = Field(
        default=None,
        description=(
            "How much its receipt proves: stored, accepted_with_id or accepted. Null without a receipt, and for "
            "receipts of before grades were kept."
        ),
    )
    error_message: str | None
    reason_code: str | None = Field(
        default=None, description="Why it is suppressed, as a code for programs.", examples=["recipient_suppressed"]
    )
    sent_bytes: int | None = Field(
        default=None,
        description=(
            "How many bytes have left, while a large upload lasts: it is written about every two seconds. Equal to "
            "`total_bytes` once it is delivered; null before, for uploads that are done within two seconds, and for "
            "channels that do not tell."
        ),
    )
    total_bytes: int | None = Field(
        default=None, description="How many bytes the upload has, where `sent_bytes` is not null."
    )
    attempts: list[AttemptView]
    download_count: int = Field(default=0, description="How often files were fetched by the links of this delivery.")
    downloads: list[DownloadView] = Field(default_factory=list, description="The latest 20 of them, the latest first.")


class RenderedFileView(View):
    """Hold how the file of a format was made."""

    format: str
    ready: bool = Field(description="Whether it was there before, rendered for another execution.")
    began_at: datetime | None
    ended_at: datetime | None
    rows: int | None


class RenderingView(View):
    """Hold how the rendering went, or is going."""

    began_at: datetime
    ended_at: datetime | None = Field(description="When all was whole, or when it failed; null while it lasts.")
    taken_up: bool = Field(description="Whether a renderer works on it, or did; before, it waits for its turn.")
    failed: bool
    rows: int | None = Field(description="How many rows were read so far.")
    files: list[RenderedFileView]


class ExecutionDetail(ExecutionView):
    """An execution with its deliveries, and what it is to be measured by."""

    owner: str = Field(default="", description="The id of the user who owns its schedule.")
    requested_by: str | None = Field(default=None, description="The name of the user who asked for it, if one did.")
    is_sample: bool = Field(default=False, description="Its schedule is sample data, which counts in no figure.")
    report_title: str = ""
    timezone: str = Field(default="UTC", description="The zone of its schedule.")
    rendering: RenderingView | None = Field(
        default=None,
        description=(
            "How its latest rendering went, or is going: a long one shows about every second how far it is. Null "
            "before one began, and for executions of before this was kept."
        ),
    )
    usual_seconds: float | None = Field(
        default=None, description="How long recent runs of this schedule took, as their median; null for too few."
    )
    heard_until: datetime | None = Field(
        default=None, description="Until when its process is known to live; it is extended while it works."
    )
    expires_at: datetime | None = Field(
        default=None, description="When nothing of it is begun or tried again any more; null once it has ended."
    )
    unconfirmed: list[str] = Field(
        default_factory=list,
        description=(
            "Every recipient whose delivery is not confirmed. The `reason` names the first few once the execution "
            "has ended."
        ),
    )
    deliveries: list[DeliveryView]
