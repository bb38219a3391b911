"""Tell people of incidents: write down what is to be told, and send what is due, whichever process does it."""

from __future__ import annotations

import asyncio

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.alerts import outbox, repository
from mailroom.alerts.sending.attempt import Attempt, Clock
from mailroom.incidents.to_tell import due_to_tell
from mailroom.notifications.kinds import Route
from mailroom.settings import Settings
from mailroom.storage.database import Database

EVERY_SECONDS = 3.0
"""The next look at what is due begins this long after one has ended."""
LATE_AFTER_SECONDS = 300.0
"""The process is not ready once nothing could be told for this long."""
_ABREAST = {Route.IN_APP: 1, Route.MAIL: 4, Route.WEBHOOK: 2}
"""A process makes this many attempts by a route at once."""
_BATCH, _ROUNDS = 8, 3
"""A look at a route takes so many alerts so often, so that it ends in time even where each attempt is slow."""


async def tell(database: Database, settings: Settings, *, clock: Clock) -> int:
    """Write the alerts of everything that is due to be told; return how many there are."""

    async def write(session: AsyncSession) -> tuple[int, int]:
        now = clock()
        tellings = await due_to_tell(session, now=now)
        stored = [await outbox.write(session, one, settings, now=now) for one in tellings]
        return len(tellings), sum(stored)

    total = 0
    for _ in range(_ROUNDS):
        found, stored = await database.transact(write)
        total += stored
        if not found:
            break
    return total


async def send_due(database: Database, settings: Settings, route: Route, *, clock: Clock) -> int:
    """Make an attempt for each alert by a route that is due; return how many were looked at."""
    places, looked_at = asyncio.Semaphore(_ABREAST[route]), 0

    async def send(alert_id: str) -> None:
        async with places:
            await Attempt(database, settings, clock).make(alert_id)

    for _ in range(_ROUNDS):
        async with database.session() as session:
            due = await repository.due(session, route, now=clock(), limit=_BATCH)
        if not due:
            break
        looked_at += len(due)
        async with asyncio.TaskGroup() as group:
            for alert_id in due:
                group.create_task(send(alert_id))
    return looked_at


async def step(database: Database, settings: Settings, *, clock: Clock) -> int:
    """Tell and send once, by all routes; what one route could not send goes by the next."""
    await tell(database, settings, clock=clock)
    total = 0
    for route in (Route.MAIL, Route.WEBHOOK, Route.IN_APP):
        total += await send_due(database, settings, route, clock=clock)
    return total
