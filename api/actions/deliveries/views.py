"""Define what the API answers about deliveries, as models that the OpenAPI document shows too."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from api.actions.executions.views import DownloadView
from api.actions.view import View
from mailroom.states import DeliveryState
from prefect_mailroom.channels.base import Grade


class DeliveryRow(View):
    """One delivery in a list; its execution shows the attempts."""

    id: str
    execution_id: str
    schedule_id: str
    schedule_name: str
    due_at: datetime
    channel: str
    connection: str
    recipient: str
    status: DeliveryState
    attempt_count: int
    planned_at: datetime
    next_attempt_at: datetime | None
    delivered_at: datetime | None
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
    download_count: int = Field(default=0, description="How often files were fetched by the links of this delivery.")
    downloads: list[DownloadView] = Field(default_factory=list, description="The latest 20 of them, the latest first.")
    links: dict[str, str]


class AskedExecution(View):
    """An execution that was asked for again, or would be."""

    execution_id: str
    deliveries: int = Field(description="How many of its deliveries match; the retry makes every undelivered one.")


class LeftOut(View):
    """An execution that matches and is not tried again, and why."""

    execution_id: str
    deliveries: int
    message: str
    remedy: str


class RetryView(View):
    """Tell what a retry by filter asked for, or would ask for in a dry run, and what it left out."""

    dry_run: bool
    executions: int
    deliveries: int
    asked: list[AskedExecution]
    left_out: list[LeftOut]
    not_ended: int = Field(description="How many executions match and go on by themselves; they are not asked for.")
    next_cursor: str | None = Field(description="Send it as `cursor` to go on with what this request did not reach.")
