"""Name why an alert does not go by its route, where no attempt was made."""

from __future__ import annotations

from datetime import datetime

from prefect_mailroom.errors import ConfigurationError


class RouteClosed(ConfigurationError):
    """The route cannot be used now: there is none, it is what is broken, or it must not be used."""


class NotYet(Exception):
    """This alert has to wait: it comes back at `until`, and nothing has left."""

    def __init__(self, until: datetime) -> None:
        super().__init__(f"The connection takes it from {until} on.")
        self.until = until
