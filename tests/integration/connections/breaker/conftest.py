"""The environment of the passes' tests with a recording connection, and short ways to look at its breaker."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select, update

from mailroom.connections import service as connections
from mailroom.connections.spec import NewConnection
from mailroom.passes.outcome import Outcome
from mailroom.releases import held
from mailroom.storage.database import Database, new_id
from mailroom.storage.model.connection_health import ConnectionHealth
from mailroom.storage.stop_tables import Stop
from mailroom.storage.tables import Attempt, Delivery, Execution, Schedule
from prefect_mailroom.testing import Recorder, RecordingChannel, registered
from tests.integration.passes.conftest import (  # noqa: F401  # pytest finds fixtures by their names here.
    environment,
    flow,
    flow_runs,
    mail_server,
)
from tests.support.samples import FOLDER

if TYPE_CHECKING:
    from tests.support.environment import Environment

NAME = "line"


@pytest.fixture(params=["sqlite"])
async def database(request: pytest.FixtureRequest, migrated_url: Callable[[str], str]) -> AsyncIterator[Database]:
    """Make a migrated database for one test; SQLite, unless the test asks for both."""
    database = Database(migrated_url(request.param))
    yield database
    await database.close()


@pytest.fixture(autouse=True)
def _recording() -> Iterator[None]:
    with registered(RecordingChannel):
        yield


@dataclass
class Line:
    """A recording connection of this name, what came through it, and its breaker."""

    environment: Environment
    recorder: Recorder

    async def make(self, **settings: Any) -> None:
        """Store the connection."""
        wanted = NewConnection(name=NAME, kind="recording", settings={"shared_as": self.recorder_name, **settings})
        async with self.environment.database.session() as session:
            await connections.create(session, wanted, self.environment.context())

    @property
    def recorder_name(self) -> str:
        return f"line-{id(self.environment)}"

    async def schedule(self, people: int, *, folder: bool = False, **changes: Any) -> Schedule:
        """Store a schedule that sends through the connection to so many people, and perhaps into a folder."""
        to = [f"p{number:02}" for number in range(people)]
        destinations = [{"channel": "recording", "connection": NAME, "to": to}, *([FOLDER] if folder else [])]
        return await self.environment.create(destinations=destinations, **changes)

    async def work(self, schedule: Schedule, execution: Execution | None = None, run_id: str = "") -> Outcome:
        """Make a pass over an execution, a new one by default."""
        execution = execution or await self.environment.request(schedule)
        run_id = run_id or execution.flow_run_id or new_id()
        result = await self.environment.run_pass(schedule, execution, run_id=run_id)
        assert isinstance(result, Outcome), result
        return result

    async def open(self, error: BaseException) -> None:
        """Let so many attempts fail that the breaker opens, and let the far side work again after it."""
        self.recorder.answer_always(error)
        await self.work(await self.schedule(12))
        self.recorder.answer_always(None)

    async def health(self) -> ConnectionHealth | None:
        """Return the row of the breaker."""
        async with self.environment.database.session() as session:
            return await session.get(ConnectionHealth, NAME)

    async def set_health(self, **values: Any) -> None:
        """Change the row of the breaker, as time or earlier trips would have."""
        if "probe_at" in values:  # Once a trial is due by time, nothing is left of who had reached for the far side.
            values = {"under_way_until": None, **values}
        async with self.environment.database.session() as session:
            await session.execute(update(ConnectionHealth).where(ConnectionHealth.name == NAME).values(**values))

    async def stops(self) -> list[Stop]:
        """Return the stops of the connection that stand."""
        async with self.environment.database.session() as session:
            return list(await session.scalars(select(Stop).where(Stop.target == NAME, Stop.resumed_at.is_(None))))

    async def to_try(self, after: timedelta = timedelta()) -> list[str]:
        """Return the executions that are woken to try the connection, so much later."""
        now: datetime = self.environment.now() + after
        async with self.environment.database.session() as session:
            return [row.id for row in await held.to_try(session, now=now)]

    async def released(self) -> list[str]:
        """Return the executions that are woken since nothing holds them any more."""
        async with self.environment.database.session() as session:
            return [row.id for row in await held.released(session, now=self.environment.now(), limit=100)]

    async def attempts(self, execution_id: str) -> int:
        """Return how many attempts were made for an execution."""
        query = select(func.count()).select_from(Attempt).join(Delivery, Delivery.id == Attempt.delivery_id)
        async with self.environment.database.session() as session:
            return (await session.execute(query.where(Delivery.execution_id == execution_id))).scalar_one()

    async def deliveries(self, execution_id: str, connection: str = NAME) -> list[Delivery]:
        """Return the deliveries of an execution through a connection."""
        query = select(Delivery).where(Delivery.execution_id == execution_id, Delivery.connection == connection)
        async with self.environment.database.session() as session:
            return list(await session.scalars(query.order_by(Delivery.recipient)))


@pytest.fixture
def line(environment: Environment) -> Iterator[Line]:  # noqa: F811  # The fixture above.
    """Return the connection, which a test makes with its settings."""
    name = f"line-{id(environment)}"
    yield Line(environment, Recorder.named(name))
    Recorder.forget(name)
