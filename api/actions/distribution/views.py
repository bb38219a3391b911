"""Define what the API answers about distribution, as models that the OpenAPI document shows too."""

from __future__ import annotations

from datetime import datetime

from api.actions.view import View


class TestReceipt(View):
    """The receipt of a test message: what the receiver confirmed."""

    __test__ = False  # pytest: this is not a test class.

    channel: str
    connection: str
    recipient: str
    reference: str
    confirmed_at: datetime
