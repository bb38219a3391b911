"""Say what an alert is: one message about one incident to one target by one route."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from mailroom.notifications.kinds import Route

OPERATORS = "operators"
"""The target of requests: whoever receives at the address in the settings."""


class AlertState(StrEnum):
    """Say how far an alert is.

    pending: it is sent when its time has come; each attempt puts that off, so a process that dies only delays it.
    sent: the far side has confirmed it, or it stands among the notifications. failed: its route could not send it;
    another alert has gone out in its place, unless whoever it was for is told already, or the incident was over.
    withdrawn: it never left, since the incident was over, muted or part of another one before its turn came.
    """

    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"
    WITHDRAWN = "withdrawn"


ON_THE_WAY = frozenset({AlertState.PENDING, AlertState.SENT})
"""People with an alert in one of these states are told, or will be."""


@dataclass(frozen=True, slots=True)
class Target:
    """Somebody who is told by a route.

    Attributes:
        address: a mail address, the id of a user, or `OPERATORS`.
        user_id: the user who is told; None for an address of a team or of operators.
    """

    route: Route
    address: str
    user_id: str | None = None

    @property
    def key(self) -> tuple[Route, str]:
        """Return by what two alerts reach the same."""
        return self.route, self.address
