"""Choose deliveries by what is known of them."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from api.actions.moment import Moment
from mailroom.errors import Invalid
from mailroom.executions.deliveries import DeliveryFilter
from mailroom.states import DeliveryState

UNDELIVERED = tuple(state for state in DeliveryState if state is not DeliveryState.DELIVERED)


class RetryRequest(BaseModel):
    """Another try of everything undelivered that matches every given condition; one at least is needed."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    state: DeliveryState | None = Field(
        default=None, description="Only deliveries in this state; without it, all that are not delivered."
    )
    recipient: str | None = Field(default=None, min_length=1, max_length=500)
    connection: str | None = Field(default=None, min_length=1, max_length=100)
    schedule: str | None = Field(default=None, min_length=1, max_length=80)
    since: Moment | None = Field(
        default=None, alias="from", description="Only deliveries that were planned at this time or later."
    )
    until: Moment | None = Field(default=None, description="Only deliveries that were planned before this time.")
    dry_run: bool = Field(default=False, description="Only count what would be tried again; change nothing.")
    cursor: str | None = Field(
        default=None, max_length=1000, description="`next_cursor` of the answer before, to go on from there."
    )

    def chosen(self) -> DeliveryFilter:
        """Return the filter.

        Raises:
            Invalid: it would match everything, or what is delivered.
        """
        if self.state is DeliveryState.DELIVERED:
            raise Invalid.at("state", "What is delivered is never sent again.", "Choose another state, or none.")
        if not any((self.state, self.recipient, self.connection, self.schedule, self.since, self.until)):
            raise Invalid.at("state", "An empty filter would match everything.", "Send one of the conditions.")
        return DeliveryFilter(
            states=(self.state,) if self.state else UNDELIVERED,
            recipient=self.recipient,
            connection=self.connection,
            schedule_id=self.schedule,
            since=self.since,
            until=self.until,
        )
