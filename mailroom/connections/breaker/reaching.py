"""Reach for the far sides of open breakers, so that a few seconds after one is back a delivery tries it.

Any number of processes may look at once: who is first to write that it reaches for a far side is the only one for a
while, see `reach`. Nothing is held in the database meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from functools import partial

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access.viewer import SYSTEM
from mailroom.audit import repository as audit
from mailroom.audit.delivery_events import CredentialUsed
from mailroom.connections import repository as connections
from mailroom.connections.breaker import repository as stored
from mailroom.connections.breaker import service as breaker
from mailroom.connections.breaker.reach import LONGEST, Reached
from mailroom.connections.service import load_known
from mailroom.errors import Unavailable
from mailroom.settings import Settings
from mailroom.storage.database import Database
from mailroom.storage.tables import Connection
from prefect_mailroom.channels.base import Channel
from prefect_mailroom.channels.steps import StepName, Steps
from prefect_mailroom.errors import ConfigurationError, MailroomError

EVERY_SECONDS = 5.0
"""Wait so long between two looks for breakers; how often a far side is reached for is its breaker's."""
LATE_AFTER_SECONDS = 300.0
_AT_ONCE = 10
_MOST = 100
_LOG = logging.getLogger(__name__)


async def look(database: Database, settings: Settings, *, clock: Callable[[], datetime]) -> list[str]:
    """Reach for each far side for which that is due; return the connections that a delivery may try now."""
    async with database.session() as session:
        names = await stored.to_reach(session, now=clock(), limit=_MOST)
    places = asyncio.Semaphore(_AT_ONCE)

    async def one(name: str) -> bool:
        async with places:
            return await _reach(database, settings, name, clock)

    async with asyncio.TaskGroup() as group:
        works = {name: group.create_task(one(name)) for name in names}
    return [name for name, work in works.items() if work.result()]


async def _reach(database: Database, settings: Settings, name: str, clock: Callable[[], datetime]) -> bool:
    begun = await database.transact(partial(breaker.begin_reaching, name=name, now=clock()))
    if begun is None:
        return False  # Another process was faster.
    async with database.session() as session:
        row = (await connections.named(session, [name], viewer=SYSTEM)).get(name)
    steps = Steps()
    found = Reached.IMPOSSIBLE if row is None else await _ask(row, settings, steps)
    now = clock()

    async def record(session: AsyncSession) -> bool:
        if any(step.name is StepName.LOGIN for step in steps.done):
            audit.record(session, CredentialUsed(name, "reach", audit.MAILROOM), at=now)
        return await breaker.record_reached(session, name, begun, found, now=now)

    may_try = await database.transact(record)
    if may_try:
        _LOG.info("The far side of the connection %s answers; a delivery tries it now.", name)
    return may_try


async def _ask(row: Connection, settings: Settings, steps: Steps) -> Reached:
    """Reach for the far side of a connection. No error comes out of it."""
    try:
        channel = await load_known(row, settings, kind=row.kind)
        if not isinstance(channel, Channel):
            return Reached.IMPOSSIBLE
        async with asyncio.timeout(LONGEST.total_seconds()):
            there = await channel.reach(steps, seconds=LONGEST.total_seconds())
        return Reached.ANSWERS if there else Reached.IMPOSSIBLE
    except (MailroomError, TimeoutError) as error:
        return meaning(error, steps)
    except Exception as error:
        # What nobody thought of is not repeated every few seconds. Its words may hold a secret, so they are left out.
        _LOG.error("Reaching for the far side of %s ended unexpectedly: %s.", row.name, type(error).__name__)
        return Reached.IMPOSSIBLE


def meaning(error: MailroomError | TimeoutError, steps: Steps) -> Reached:
    """Say what an error means after these steps. Pure."""
    match error:
        case Unavailable():
            return Reached.UNKNOWN
        case ConfigurationError():
            return Reached.REFUSED
    undecided = any(step.name is StepName.LOGIN and not step.ok for step in steps.done)
    return Reached.UNDECIDED if undecided else Reached.SILENT
