"""Change what users prefer to see. Everybody chooses for themselves, in the caller's transaction."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access import repository as access
from mailroom.access.permissions import Action
from mailroom.audit import member_events as events
from mailroom.audit import repository as audit
from mailroom.context import Context
from mailroom.members.preferences import preferences_of
from mailroom.storage.tables import User
from mailroom.timing.model import known_zones


class PreferencesPatch(BaseModel):
    """The preferences to change; what is left out or null stays as it is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    timezone: str | None = Field(
        default=None, max_length=64, description="The zone of times on pages, and of new schedules that name none."
    )
    locale: str | None = Field(
        default=None,
        max_length=20,
        pattern=r"^[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?$",
        description="The language of dates and numbers, such as de-DE.",
    )
    hours: Literal["24", "12"] | None = Field(default=None, description="How many hours a clock has.")
    theme: Literal["auto", "light", "dark"] | None = None
    density: Literal["comfortable", "compact"] | None = None

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str | None) -> str | None:
        if value is not None and value not in known_zones():
            raise ValueError("is not a time zone in the IANA list, such as Europe/Berlin")
        return value


def shown(row: User) -> dict[str, Any]:
    """Return what a user prefers, with the time zone."""
    return {"timezone": row.timezone, **preferences_of(row.preferences).model_dump()}


async def change(session: AsyncSession, reference: str, wanted: PreferencesPatch, context: Context) -> User:
    """Change what a user prefers.

    Raises:
        NotFound.
        Forbidden: it is somebody else.
    """
    row = await access.user(session, reference, viewer=context.viewer, doing=Action.USER_PREFER, lock=True)
    before = shown(row)
    after = before | wanted.model_dump(exclude_none=True)
    if changes := {name: [before[name], after[name]] for name in after if before[name] != after[name]}:
        row.timezone = after["timezone"]
        row.preferences = {name: value for name, value in after.items() if name != "timezone"}
        row.updated_at = context.now
        audit.record_by(session, events.UserChanged(row.id, changes), context)
    return row
