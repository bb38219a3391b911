"""Say what can be stopped, and what a person asks for who stops or resumes it."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator


class StopScope(StrEnum):
    """A stop keeps this from leaving: everything, or what goes through a connection, of a report or of a schedule."""

    ALL = "all"
    CONNECTION = "connection"
    REPORT = "report"
    SCHEDULE = "schedule"


class StopCause(StrEnum):
    """A person stopped it; or Mailroom did since its database had been restored from an older backup, while the key of
    Prefect's blocks is changed, while Mailroom is read-only, while a connection does not work (breaker), or since it
    was disabled for that.
    """

    PERSON = "person"
    RESTORED = "restored"
    KEYS = "keys"
    READ_ONLY = "read_only"
    BREAKER = "breaker"
    DISABLED = "disabled"


OF_CONNECTION = frozenset({StopCause.BREAKER, StopCause.DISABLED})
"""The stops that a connection's breaker sets and lifts. Each attempt asks for them, when everything else is ready."""


WhatWasDue = Literal["send", "skip"]
"""A person decides this about everything that was due between a backup and its restoration."""


class Place(BaseModel):
    """Name the thing to stop or resume, by its scope."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    scope: StopScope = Field(
        description="`all`, or `connection`, `report` or `schedule` with the name or id in `target`."
    )
    target: str = Field(
        default="",
        max_length=100,
        validate_default=True,
        description="The connection's name, or the id of the report or schedule; empty where the scope is `all`.",
    )

    @field_validator("target")
    @classmethod
    def _fits_the_scope(cls, value: str, info: ValidationInfo) -> str:
        scope = info.data.get("scope")
        if scope is StopScope.ALL and value:
            raise ValueError("must be empty where the scope is 'all'")
        if scope not in (None, StopScope.ALL) and not value:
            raise ValueError(f"names the {scope} that is meant")
        return value


class StopRequest(Place):
    """A stop that a person asks for."""

    reason: str = Field(min_length=1, max_length=500, description="Why it is stopped; everyone who waits reads it.")


class ResumeRequest(Place):
    """The end of a stop, or without `dry_run: false` only a look at what would go."""

    dry_run: bool = Field(
        default=True, description="Only show what would go and what would be too late. Send `false` to resume."
    )
    what_was_due: WhatWasDue | None = Field(
        default=None,
        description=(
            "Needed after the database was restored from a backup: `send` what was due between the backup and the "
            "restoration, although it may have been delivered, or `skip` it."
        ),
    )


def words_of(scope: str, target: str) -> str:
    """Return what is stopped, for a sentence."""
    return "everything" if scope == StopScope.ALL else f"the {scope} {target}"
