"""Define what the API answers about events, as models that the OpenAPI document shows too."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from api.actions.view import View
from mailroom.product_events.spec import EventState
from mailroom.setting_groups.product_events import ProductEventType


class ProductEventView(View):
    """An event that the product is told of."""

    id: str = Field(description="The `webhook-id` of every try, by which the receiver knows an event that it has.")
    type: ProductEventType
    data: dict[str, Any]
    state: EventState
    attempts: int
    next_attempt_at: datetime | None
    retry_until: datetime = Field(description="After this, an event that the product has not taken is given up.")
    sent_at: datetime | None
    error: str = Field(description="Why the last try failed; empty where it did not.")
    created_at: datetime
