"""Define the settings of what is told at set times, and of what readers are told."""

from __future__ import annotations

from datetime import time
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class TellingSettings(BaseModel):
    """Settings of the digest and the summary, which are told at set times.

    Each is a variable `MAILROOM_TELLING__…`, such as `MAILROOM_TELLING__DIGEST_AT=07:30`.
    Times of day are those of each user's time zone.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    connection: str = Field(
        default="",
        max_length=100,
        description=(
            "The name of the mail connection that digests and summaries are sent through. If empty: the one "
            "that alerts go through."
        ),
    )
    digest_at: time = Field(default=time(8), description="When the digest of minor issues is sent, each day.")
    summary_at: time = Field(default=time(8), description="When the summary of the week is sent.")
    summary_day: Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"] = Field(
        default="mon", description="On which day the summary of the week is sent; it is about the seven days before."
    )
    late_minutes: int = Field(
        default=30,
        ge=5,
        le=10_080,
        description=(
            "From how many minutes after its start a report is late: readers are told, where its schedule says so, and "
            "the digest has it."
        ),
    )
