"""Find who of a group gets nothing, where one delivery goes to several people at once."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.executions.reasons import Reason
from mailroom.passes.gate import may_get
from mailroom.recipients.repository import suppressed_among, unsubscribed_among
from mailroom.schedules.limits.sending import why_not_to_address
from mailroom.settings import Settings
from mailroom.storage.tables import Delivery, User
from prefect_mailroom.channels.base import Destination
from prefect_mailroom.channels.registry import destination
from prefect_mailroom.errors import RetryLater


class LeftOut:
    """Knows who of each delivery's group gets nothing, as the database said last."""

    def __init__(self, schedule_id: str, settings: Settings) -> None:
        self._schedule_id, self._settings = schedule_id, settings
        self._last: dict[str, frozenset[str]] = {}
        self._taken: dict[str, frozenset[str]] = {}

    async def ask(self, session: AsyncSession, delivery: Delivery, owner: User) -> Reason | None:
        """Ask who must not get it; return why where nobody of the group may. The database is asked for groups alone."""
        people = destination(delivery.destination).reached_by(delivery.recipient)
        if people in ([], [delivery.recipient]):
            return None
        listed = await suppressed_among(session, people)
        gone = await unsubscribed_among(session, people, self._schedule_id)
        asked = {
            one: may_get(one, listed.get(one), unsubscribed=one in gone)
            or why_not_to_address(one, owner, self._settings)
            for one in people
        }
        barred = {address: reason for address, reason in asked.items() if reason is not None}
        self._last[delivery.id] = frozenset(barred)
        return next(iter(barred.values())) if len(barred) == len(people) else None

    def take(self, delivery: Delivery) -> frozenset[str]:
        """Return who of the delivery's group gets nothing of what is written now."""
        taken = self._taken[delivery.id] = self._last.get(delivery.id, frozenset())
        return taken

    def require_as_taken(self, delivery: Delivery) -> None:
        """Refuse to send what was written when others were left out.

        Raises:
            RetryLater: it is written anew by the next attempt.
        """
        if self._last.get(delivery.id, frozenset()) != self._taken.get(delivery.id, frozenset()):
            raise RetryLater("Who of the group may get it has changed meanwhile; nothing has left.")


def without(target: Destination, addresses: Collection[str]) -> Destination:
    """Return a destination that does not reach these addresses; at least one other must be left. Pure."""
    for address in addresses:
        left = target.without(address)
        assert left is not None, "a delivery that nobody may get is not made"
        target = left
    return target
