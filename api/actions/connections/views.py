"""Define what the API answers about connections, as models that the OpenAPI document shows too."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from api.actions.view import View
from mailroom.states import BreakerState, ScheduleState
from prefect_mailroom.channels.steps import StepName


class BreakerView(View):
    """The breaker of a connection: closed while deliveries go through it."""

    state: BreakerState
    since: datetime | None = Field(description="Since when it is in this state; null where it was never open.")
    reason: str = Field(description="Why it is not closed.")
    trips: int = Field(description="How often in a row it has opened.")
    next_probe_at: datetime | None = Field(description="When the connection is tried again, while it is open.")
    failed: int = Field(description="How many attempts through it failed within the last five minutes.")
    attempts: int = Field(description="How many attempts through it ended within the last five minutes.")


class ConnectionView(View):
    """A connection without its secrets."""

    name: str
    kind: str
    description: str
    created_at: datetime
    updated_at: datetime
    etag: str = Field(description="The version of its settings, for `If-Match`.")
    sends_as: str | None = Field(
        default=None,
        description=(
            "As whom it sends, such as the sender of its mails; empty where there is nothing to say, null where nobody "
            "asked for it (`senders`), or Prefect does not answer."
        ),
        examples=["Reports <reports@example.com>"],
    )
    used_by: int | None = Field(
        default=None, description="How many schedules and reports use it; null where nobody asked for it (`uses`)."
    )
    secret_changed_at: datetime | None = Field(
        default=None,
        description=(
            "Since when its secrets are what they are; null if it has none, or if nobody wrote it down: for most "
            "connections of before this was kept, until their settings are saved again."
        ),
    )
    last_check_at: datetime | None = Field(
        default=None, description="When its last check was asked for; null if it was not checked with these settings."
    )
    last_check_ok: bool | None = Field(default=None, description="Whether that check found that it works.")
    last_check_message: str | None = Field(
        default=None,
        description="What the far side said, or what was wrong.",
        examples=["smtp.example.com:587 answers."],
    )
    breaker: BreakerView | None = Field(
        default=None, description="Whether deliveries go through it; null for a source of reports."
    )


class ConnectionDetail(ConnectionView):
    """A connection with its settings; a secret that is set shows as `{"secret": true}`."""

    settings: dict[str, Any]


class ConnectionKind(View):
    """A kind of connection and the JSON Schema of its settings."""

    kind: str
    title: str
    description: str
    use: str = Field(examples=["channel", "source"])
    settings: dict[str, Any] = Field(description="JSON Schema.")
    choices: list[str] = Field(
        default_factory=list,
        description="The settings that `POST /api/v1/connections/choices` can list, such as the bucket.",
    )


class ChoicesView(View):
    """Hold what can be chosen in a connection, as far as its identity may list it."""

    choices: dict[str, list[str]] = Field(
        description="The values of each setting in order, at most 1,000.",
        examples=[{"bucket": ["reports", "reports-archive"]}],
    )
    left_out: dict[str, int] = Field(
        default_factory=dict, description="How many values of a setting are not shown, where there are more."
    )


class StepView(View):
    """One step of a check that was tried."""

    name: StepName
    ok: bool
    message: str = Field(description="What was found, or what went wrong.", examples=["The login was accepted."])
    remedy: str = Field(description="What to do about it; empty where it worked.")
    seconds: float


class CheckView(View):
    """The result of a check of a connection that works; one that does not is a problem with the same `steps`."""

    ok: bool
    message: str = Field(
        description="One line about the far side.", examples=["smtp.example.com:587 answers, TLSv1.3."]
    )
    steps: list[StepView] = Field(default_factory=list, description="What was tried, in order.")


class UseView(View):
    """A schedule or report that uses a connection."""

    id: str
    name: str
    state: ScheduleState | None = Field(default=None, description="The state of a schedule; null for a report.")


class UsesView(View):
    """The schedules and reports that use a connection: named as far as the caller may see them, the rest counted."""

    schedules: list[UseView]
    reports: list[UseView]
    more_schedules: int = Field(description="How many more schedules use it: not the caller's to see, or over 100.")
    more_reports: int = Field(description="How many more reports use it.")
