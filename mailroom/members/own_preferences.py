"""Change what users prefer to see. Everybody chooses for themselves, in the caller's transaction."""

from __future__ import annotations

from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, field_validator
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access import repository as access
from mailroom.access.permissions import Action
from mailroom.audit import member_events as events
from mailroom.audit import repository as audit
from mailroom.context import Context
from mailroom.members.preferences import preferences_of
from mailroom.merge_patch import merge_patch
from mailroom.notifications.kinds import OPERATORS, Kind, Route, routes_of
from mailroom.storage.tables import User
from mailroom.zone_names import known_zones

ChosenRoute = Literal["in_app", "mail"]
"""The routes that users choose; requests go to the operators, who set their address."""
Alerts = dict[Kind, dict[ChosenRoute, bool]]


def choosable(kind: Kind) -> list[ChosenRoute]:
    """Return the routes of a kind that users choose. What concerns operators is mailed to the addresses that they set.

    Pure.
    """
    routes: tuple[ChosenRoute, ...] = get_args(ChosenRoute)
    own = [Route.IN_APP] if kind in OPERATORS else routes_of(kind)
    return [route for route in routes if Route(route) in own]


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
    alerts: dict[Kind, dict[ChosenRoute, bool]] | None = Field(
        default=None,
        description="What to be told or not, by kind and route; kinds and routes that are left out stay as they are.",
    )

    @field_validator("alerts")
    @classmethod
    def _goes_that_way(cls, value: Alerts | None) -> Alerts | None:
        for kind, routes in (value or {}).items():
            for route in routes:
                if route not in choosable(kind):
                    raise ValueError(f"has {kind} by {route}, which is chosen for {', '.join(choosable(kind))} only")
        return value

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
    after = before | wanted.model_dump(mode="json", exclude_none=True)
    after["alerts"] = merge_patch(before["alerts"], after["alerts"])
    if changes := {name: [before[name], after[name]] for name in after if before[name] != after[name]}:
        row.timezone = after["timezone"]
        row.preferences = {name: value for name, value in after.items() if name != "timezone"}
        row.updated_at = context.now
        audit.record_by(session, events.UserChanged(row.id, changes), context)
    return row
