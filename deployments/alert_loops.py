"""The loops that tell people of incidents: one a route, so that a far side that hangs delays no other."""

from __future__ import annotations

from deployments.watched_loop import WatchedLoop
from mailroom.alerts import service as alerts
from mailroom.notifications.kinds import Route
from mailroom.settings import Settings
from mailroom.storage.database import Database


def loops(database: Database, settings: Settings) -> list[WatchedLoop]:
    """Return the loops: the first one also writes down who is to be told."""

    async def tell() -> None:
        await alerts.tell(database, settings, clock=database.now)
        await alerts.send_due(database, settings, Route.IN_APP, clock=database.now)

    async def mail() -> None:
        await alerts.send_due(database, settings, Route.MAIL, clock=database.now)

    async def request() -> None:
        await alerts.send_due(database, settings, Route.WEBHOOK, clock=database.now)

    works = {"alerts": tell, "alerts by mail": mail, "alerts by request": request}
    every, late_after = alerts.EVERY_SECONDS, alerts.LATE_AFTER_SECONDS
    return [WatchedLoop(name, work, every=every, late_after=late_after) for name, work in works.items()]
