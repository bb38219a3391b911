"""Define what the API answers about recipients, as models that the OpenAPI document shows too."""

from __future__ import annotations

from pydantic import Field

from api.actions.deliveries.views import DeliveryRow
from api.actions.suppressions.views import SuppressionView
from api.actions.view import PageView, View
from mailroom.schedules.recipients.remove import Removal
from mailroom.states import ScheduleState


class RecipientSchedule(View):
    """A schedule that sends to a person."""

    id: str
    name: str
    owner: str
    state: ScheduleState
    links: dict[str, str]


class RecipientView(View):
    """A person: the schedules that send to the address, and what was sent to it, as far as the caller sees them."""

    address: str = Field(description="The address in lower case: spellings that differ in case are one person.")
    suppression: SuppressionView | None = Field(
        description="Why nothing is sent to the address, where nothing is. Only admins see it."
    )
    schedules: PageView[RecipientSchedule]
    deliveries: PageView[DeliveryRow]


class RemovedSchedule(View):
    """A schedule that the person was taken off, or that was paused since nobody else would get it."""

    id: str
    name: str
    removal: Removal


class LeftAlone(View):
    """A schedule that still names the person, and why."""

    id: str
    name: str
    message: str
    remedy: str


class RemovalView(View):
    """Tell which schedules do not send to a person any more, and which were left alone."""

    address: str
    changed: list[RemovedSchedule]
    left_alone: list[LeftAlone]
    next_cursor: str | None = Field(description="Send it as `cursor` to go on with what this request did not reach.")


class ErasedView(View):
    """Tell what stands in place of an address, and what could not be reached."""

    pseudonym: str
    replaced: dict[str, int] = Field(description="How many rows were changed, by table.")
    not_reached: list[str]
