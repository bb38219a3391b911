"""The environment of the passes' tests, on SQLite and on Postgres, and short ways to stop and resume."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from mailroom.access.viewer import SYSTEM
from mailroom.stops import repository as stops
from mailroom.stops import service
from mailroom.stops.spec import StopRequest, StopScope
from mailroom.storage.database import Database
from mailroom.storage.stop_tables import Stop
from tests.integration.passes.conftest import (  # noqa: F401  # pytest finds fixtures by their names here.
    environment,
    flow,
    flow_runs,
    mail_server,
)

WHO = "ada@example.com"


@pytest.fixture(params=["sqlite", "postgres"])
async def database(request: pytest.FixtureRequest, migrated_url: Callable[[str], str]) -> AsyncIterator[Database]:
    """Make a migrated database of each kind for one test."""
    database = Database(migrated_url(request.param))
    yield database
    await database.close()


@dataclass
class Button:
    """The stop button of a person."""

    database: Database

    async def stop(self, scope: StopScope = StopScope.ALL, target: str = "") -> Stop:
        """Stop; the stop is committed when this returns."""
        wanted = StopRequest(scope=scope, target=target, reason="A wrong report.")
        return (await self.database.transact(lambda s: service.stop(s, wanted, by=WHO, now=datetime.now(UTC))))[0]

    async def resume(self) -> None:
        """Lift every stop."""
        async with self.database.session() as session:
            standing = await stops.list_standing(session, viewer=SYSTEM)
            await service.lift(session, standing, what_was_due=None, by=WHO, now=datetime.now(UTC))


@pytest.fixture
def button(database: Database) -> Button:
    """Return the stop button."""
    return Button(database)
