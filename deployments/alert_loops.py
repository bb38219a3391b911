"""The loops that tell people of incidents: one a route, so that a far side that hangs delays no other.

One more keeps the mail connection at hand for when Prefect, which has its secrets, is what is silent.
"""

from __future__ import annotations

from deployments.watched_loop import WatchedLoop
from mailroom.alerts import service as alerts
from mailroom.alerts.sending.mail import keep_at_hand
from mailroom.notifications.kinds import Route
from mailroom.settings import Settings
from mailroom.storage.database import Database

_AT_HAND_EVERY = 60.0


def loops(database: Database, settings: Settings) -> list[WatchedLoop]:
    """Return the loops: the first one also writes down who is to be told."""

    async def tell() -> None:
        await alerts.tell(database, settings, clock=database.now)
        await alerts.send_due(database, settings, Route.IN_APP, clock=database.now)

    async def mail() -> None:
        await alerts.send_due(database, settings, Route.MAIL, clock=database.now)

    async def request() -> None:
        await alerts.send_due(database, settings, Route.WEBHOOK, clock=database.now)

    async def at_hand() -> None:
        await keep_at_hand(database, settings)

    works = {"alerts": tell, "alerts by mail": mail, "alerts by request": request}
    every, late_after = alerts.EVERY_SECONDS, alerts.LATE_AFTER_SECONDS
    sending = [WatchedLoop(name, work, every=every, late_after=late_after) for name, work in works.items()]
    return [*sending, WatchedLoop("mail at hand", at_hand, every=_AT_HAND_EVERY, late_after=late_after)]
