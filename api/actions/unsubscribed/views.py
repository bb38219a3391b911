"""Define what the API answers about people who have unsubscribed, as models that the OpenAPI document shows too."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from api.actions.view import View


class UnsubscribedView(View):
    """A person who wants no mails of a schedule any more."""

    address: str = Field(description="The address in lower case.")
    delivery_id: str = Field(description="The delivery of the mail by whose link the person said so.")
    created_at: datetime
