"""What the API answers about distribution, as models that the OpenAPI document shows too."""

from __future__ import annotations

from datetime import datetime

from api.actions.view import View


class TestReceipt(View):
    """What the far side confirmed of a test message."""

    __test__ = False  # pytest: this is not a test class.

    channel: str
    connection: str
    recipient: str
    reference: str
    confirmed_at: datetime
