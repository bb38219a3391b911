"""Define what the API answers about limits, as models that the OpenAPI document shows too."""

from __future__ import annotations

from pydantic import Field

from api.actions.view import View
from mailroom.roles import Role


class LimitView(View):
    """One limit of a user, and the use of it."""

    name: str = Field(examples=["schedules"])
    limit: int | float | str = Field(description="A number, `unlimited`, or for domains a list; empty for all.")
    used: int | None = Field(description="How many there are, or were asked for within the last hour. Null: no count.")


class BeyondView(View):
    """A limit that a schedule is above."""

    name: str
    limit: int | float | str
    used: int | float | str


class AboveView(View):
    """A schedule that is above limits, since one was lowered. It keeps running."""

    schedule_id: str
    name: str
    limits: list[BeyondView]


class LimitsView(View):
    """The limits of a user."""

    user: str = Field(description="The id of the user.")
    role: Role
    ask: str = Field(description="Who can raise the limits.")
    limits: list[LimitView]
    above: list[AboveView] = Field(description="Schedules above a limit that was lowered; they keep running.")
    above_complete: bool = Field(description="False if the user has more schedules than are looked at, 200.")
