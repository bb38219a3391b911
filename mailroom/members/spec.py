"""Define what an admin says of a user, a team or a key."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, field_validator

from mailroom.access.permissions import GRANTABLE, Action
from mailroom.roles import Role, Scope
from mailroom.zone_names import known_zones


def _plain(value: str) -> str:
    if not value.isprintable():
        raise ValueError("the text contains a control character or a line break")
    return value.strip()


def _utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("the time is outside of what a calendar can hold") from error


Text = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_plain)]
ExternalId = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9][A-Za-z0-9._@:+-]*$")]
Reference = Annotated[str, Field(min_length=1, max_length=204, examples=["ext:customer-42"])]
"""An id of ours, or `ext:` and the external id."""


class TeamSettings(BaseModel):
    """A team. Members of different teams do not see each other."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Text
    external_id: ExternalId | None = Field(default=None, description="The id by which your product knows the team.")


class UserSettings(BaseModel):
    """A user: a person, or a service account that owns schedules or holds keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    email: str = Field(max_length=320, pattern=r"^[^@\s<>,;:\"\x00-\x1f]+@[^@\s<>,;:\"\x00-\x1f]+$")
    name: Text
    role: Role = Role.CREATOR
    team: Reference | None = Field(default=None, description="The id of the team, or `ext:` and its external id.")
    timezone: str = Field(default="UTC", max_length=64)
    external_id: ExternalId | None = Field(default=None, description="The id by which your product knows the user.")
    is_service: bool = Field(default=False, description="Whether it is a service account rather than a person.")
    is_active: bool = Field(
        default=True, description="A user who is not active cannot log in, and the user's schedules are suspended."
    )
    grants: list[Action] = Field(
        default_factory=list,
        max_length=len(GRANTABLE),
        description=f"Permissions besides those of the role: {', '.join(GRANTABLE)}.",
    )

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if value not in known_zones():
            raise ValueError("is not a time zone in the IANA list, such as Europe/Berlin")
        return value

    @field_validator("grants")
    @classmethod
    def _grantable(cls, value: list[Action]) -> list[Action]:
        for action in value:
            if action not in GRANTABLE:
                raise ValueError(f"{action} comes with a role; only {', '.join(GRANTABLE)} can be granted")
        return sorted(set(value))


class NewKey(BaseModel):
    """A new key. What it gives is never more than the role of its owner gives."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Text
    scope: Scope = Scope.READ
    expires_in_days: int = Field(default=90, ge=1, le=3660, description="For how many days it is valid.")
    user: Reference | None = Field(
        default=None, description="Whose key it is; the default is your own. Only an admin makes keys for others."
    )


class KeySettings(BaseModel):
    """The properties of a key that can be changed. Its scope can only be narrowed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Text
    scope: Scope = Field(description="The same scope, or a narrower one.")
    expires_at: Annotated[AwareDatetime, AfterValidator(_utc)] = Field(
        description="When it ends: later than now, and at most MAILROOM_KEY_DAYS after it was made."
    )
