"""Define what the API answers about stops, as models that the OpenAPI document shows too."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from api.actions.view import View
from mailroom.stops.spec import StopCause, StopScope, WhatWasDue


class StopView(View):
    """Something that is stopped: nothing of it leaves until it is resumed."""

    id: str
    scope: StopScope
    target: str = Field(description="The connection's name, or the id of the report or schedule; empty for `all`.")
    cause: StopCause = Field(
        description="`person`; `restored` where the database was found to be older than what was sent; `keys` while "
        "the key of Prefect's blocks is changed; `breaker` while a connection fails, which ends by itself; `disabled` "
        "for a connection that a person has to enable."
    )
    reason: str
    stopped_by: str
    stopped_at: datetime
    known_until: datetime | None = Field(
        description="Where a restored database is the cause: until when it knows what was sent."
    )


class StopsView(View):
    """The stops that stand, the oldest first."""

    items: list[StopView]


class WaitingSchedule(View):
    """Count the executions of a schedule that wait."""

    id: str
    name: str
    executions: int


class WaitingRecipient(View):
    """Count the deliveries to a recipient that wait."""

    recipient: str
    deliveries: int


class WaitingView(View):
    """Executions that wait, their deliveries, and the schedules and recipients with the most of them."""

    executions: int
    deliveries: int
    schedules: list[WaitingSchedule]
    recipients: list[WaitingRecipient]


class ResumeView(View):
    """Tell what was resumed, or what would be resumed in a dry run."""

    dry_run: bool
    lifted: list[StopView] = Field(description="The stops that were lifted, or would be.")
    still_standing: list[StopView] = Field(description="The other stops, which still hold what they cover.")
    would_go: WaitingView
    too_late: WaitingView = Field(
        description="What does not go any more: it has expired, or a later run of its schedule takes its place."
    )
    due_before_restoration: WaitingView = Field(
        description="The part of `would_go` that may have been delivered, since the database does not know."
    )
    complete: bool = Field(description="Whether all that waits was counted; it is not above 10,000 executions.")
    what_was_due: WhatWasDue | None
