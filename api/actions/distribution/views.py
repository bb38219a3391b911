"""Define what the API answers about distribution, as models that the OpenAPI document shows too."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from api.actions.connections.views import StepView
from api.actions.view import View
from prefect_mailroom.channels.base import Grade


class TestReceipt(View):
    """The receipt of a test message: what the receiver confirmed."""

    __test__ = False  # pytest: this is not a test class.

    channel: str
    connection: str
    recipient: str
    reference: str
    confirmed_at: datetime
    ok: bool = Field(default=True, description="Always true: a test that fails is a problem with the same `steps`.")
    grade: Grade = Field(
        default=Grade.ACCEPTED,
        description=(
            "How much the receipt proves. stored: the far side holds the content, it was read back or its size or "
            "checksum was. accepted_with_id: the far side took it, and gave an id. accepted: it said yes."
        ),
    )
    steps: list[StepView] = Field(
        default_factory=list,
        description=(
            "What was tried, in order, `deliver` last. A step that asks a question, reads back or deletes may have "
            "failed: the message was taken all the same."
        ),
    )
