"""Define a schedule's policy for runs that overlap, are late or fail."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from mailroom.timing.words import span_words

GRACE_SECONDS = 600
"""Under `catchup: none`, an occurrence that begins later than this is missed."""

CATCH_UP_MOST = 24
"""Under `catchup: all`, at most this many due times that passed without a run still run."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Policy(_Model):
    """The policy for runs that overlap, are late or fail.

    An occurrence is too late, whatever else is set, once `expires_after` has passed since its due time. Among those
    that are not, `catchup` chooses which of several unserved ones run. What is to run then meets `overlap`.
    """

    overlap: Literal["skip", "buffer_one", "allow", "cancel_other"] = Field(
        default="skip",
        description=(
            "What happens to a run while an earlier one of the schedule has not ended. `skip`: it is skipped. "
            "`buffer_one`: it waits, and others are skipped meanwhile. `allow`: both run at the same time. "
            "`cancel_other`: the earlier one is cancelled and sends nothing more."
        ),
    )
    catchup: Literal["none", "latest", "all"] = Field(
        default="latest",
        description=(
            "Which due times that passed without a run still run, within `expires_after`. `none`: only those at most "
            "10 minutes late. `latest`: only the last one. `all`: up to 24, one after the other unless `overlap` is "
            "`allow`."
        ),
    )
    expires_after: timedelta = Field(
        default=timedelta(hours=4),
        gt=timedelta(),
        le=timedelta(days=7),
        description=(
            "If a run has not started within this time of being due, it is recorded as missed, and nothing of it is "
            "tried again after it; at most 7 days."
        ),
    )
    jitter: timedelta = Field(
        default=timedelta(),
        ge=timedelta(),
        le=timedelta(hours=1),
        description=(
            "Each run starts up to this long after its due time, to spread a peak; one due time always gets the same "
            "delay. At most 1 hour, and less than `expires_after` and than the time between two due times."
        ),
    )
    pause_after_failures: int = Field(
        default=5, ge=1, le=1000, description="After this many failed executions in a row, the schedule is suspended."
    )
    max_attempts: int = Field(
        default=100,
        ge=1,
        le=100,
        description=(
            "How many times one delivery is tried at most, including the first try. Its connection says when, and "
            "`expires_after` ends it in any case."
        ),
    )
    notify_recipients: Literal["none", "late", "failed"] = Field(
        default="none",
        description=(
            "Whether the people who get the report by mail are told once that it does not come in time. `none`: never. "
            "`late`: when it is late by MAILROOM_TELLING__LATE_MINUTES, or has failed. `failed`: only when it has "
            "failed for good. The report itself says so when it comes after that."
        ),
    )

    @field_validator("catchup")
    @classmethod
    def _catches_up_what_is_not_cancelled(cls, value: str, info: ValidationInfo) -> str:
        if value == "all" and info.data.get("overlap") == "cancel_other":
            raise ValueError(
                "cannot be 'all' where overlap is 'cancel_other', since each would cancel the one before; "
                "use 'latest' or 'none'"
            )
        return value

    @field_validator("jitter")
    @classmethod
    def _starts_before_it_expires(cls, value: timedelta, info: ValidationInfo) -> timedelta:
        expires = info.data.get("expires_after")
        if expires is not None and value >= expires:
            raise ValueError(
                f"must be less than expires_after, which is {span_words(expires)}; shorten it or let runs expire later"
            )
        return value
