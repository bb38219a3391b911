"""What a schedule says of its executions: when to send, and what happens when they overlap, come late or fail."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from mailroom.timing.words import span_words

GRACE_SECONDS = 600
"""How late an occurrence may begin before `catchup: none` calls it missed."""

CATCH_UP_MOST = 24
"""How many due times that passed unserved are made good at most, under `catchup: all`."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Condition(_Model):
    """When to send: `always`, or only when the report's data has rows."""

    send_if: Literal["always", "not_empty"] = "always"


class Policy(_Model):
    """What happens when runs overlap, come late or fail.

    An occurrence is too late, whatever else is set, once `expires_after` has passed since its due time. Among those
    that are not, `catchup` chooses which of several unserved ones run. What is to run then meets `overlap`.
    """

    overlap: Literal["skip", "buffer_one", "allow", "cancel_other"] = Field(
        default="skip",
        description=(
            "What an occurrence does while an earlier execution of the schedule is not done: `skip` itself; wait for "
            "it, `buffer_one` at a time, while later ones are skipped; run beside it (`allow`); or `cancel_other`, of "
            "which nothing more is sent then."
        ),
    )
    catchup: Literal["none", "latest", "all"] = Field(
        default="latest",
        description=(
            "Which due times that passed unserved are made good, within `expires_after`: `none` that is more than "
            "10 minutes late, the `latest` alone, or `all`, at most 24, one after the other unless `overlap` is "
            "`allow`."
        ),
    )
    expires_after: timedelta = Field(
        default=timedelta(hours=4),
        gt=timedelta(),
        le=timedelta(days=7),
        description="If a run has not started within this time of being due, it is recorded as missed; at most 7 days.",
    )
    jitter: timedelta = Field(
        default=timedelta(),
        ge=timedelta(),
        le=timedelta(hours=1),
        description=(
            "Each occurrence starts up to so much after its due time, to spread a peak; the same delay every time it "
            "is asked. At most 1 hour, less than `expires_after` and than the time between two occurrences."
        ),
    )
    pause_after_failures: int = Field(
        default=5, ge=1, le=1000, description="Failed executions in a row after which the schedule is suspended."
    )
    max_attempts: int = Field(default=8, ge=1, le=20, description="Tries of one delivery, the first included.")

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
