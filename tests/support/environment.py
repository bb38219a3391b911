"""A Mailroom to test: a real database, settings, a real Prefect, a mail server, and short ways to use them."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.responses import DeploymentResponse
from sqlalchemy import select

from deployments.reconcile import Reconciler
from deployments.sync.desired import FLOW_NAME
from mailroom.context import Context
from mailroom.passes.claim import FlowRunFacts, HeldElsewhere, Stopped
from mailroom.passes.outcome import Outcome
from mailroom.passes.work import Begun, Work
from mailroom.schedules import service as schedules
from mailroom.schedules.spec import read_spec
from mailroom.settings import Settings
from mailroom.states import ExecutionKind
from mailroom.storage.database import Database, new_id
from mailroom.storage.tables import Attempt, Delivery, Execution, Schedule, User
from tests.support.samples import SCHEDULE
from tests.support.smtp import SmtpServer


@dataclass
class Environment:
    """Everything of one test; `settings` name the Prefect, `body` is the schedule that `create` stores."""

    database: Database
    settings: Settings
    owner: User
    mail: SmtpServer = field(default_factory=SmtpServer)
    body: dict[str, Any] = field(default_factory=lambda: copy.deepcopy(SCHEDULE))

    def now(self) -> datetime:
        """Return the time of this environment's clock."""
        return datetime.now(UTC)

    def context(self, now: datetime | None = None) -> Context:
        """Return what a request of the owner brings along."""
        return Context(user=self.owner, now=now or self.now(), settings=self.settings)

    @cached_property
    def reconciler(self) -> Reconciler:
        """The reconciler of this process."""
        return Reconciler(self.database, self.settings)

    def at(self, prefect_api: str) -> Reconciler:
        """Return the reconciler of another process, with its Prefect elsewhere."""
        return Reconciler(self.database, self.settings.model_copy(update={"prefect_api_url": prefect_api}))

    async def close(self) -> None:
        """End what goes on behind the test's back."""
        await self.reconciler.close()

    # Schedules.

    async def create(self, *, ago: timedelta = timedelta(), now: datetime | None = None, **changes: Any) -> Schedule:
        """Store a schedule, now or so long ago; `changes` replace keys of its body."""
        async with self.database.session() as session:
            context = self.context((now or self.now()) - ago)
            return await schedules.create(session, read_spec({**self.body, **changes}), context)

    async def row(self, schedule: Schedule | str) -> Schedule:
        """Return the schedule, or that with this id, as it is stored now."""
        async with self.database.session() as session:
            found = await session.get(Schedule, schedule if isinstance(schedule, str) else schedule.id)
            assert found is not None
            return found

    async def deployment(self, schedule: Schedule) -> DeploymentResponse:
        """Return the schedule's deployment as Prefect has it."""
        async with PrefectClient(self.settings.prefect_api) as client:
            return await client.read_deployment_by_name(f"{FLOW_NAME}/{schedule.id}")

    # Executions and their passes.

    async def request(self, schedule: Schedule, kind: ExecutionKind = ExecutionKind.RUN_NOW) -> Execution:
        """Ask for an execution, as a person does."""
        async with self.database.session() as session:
            return await schedules.request_execution(session, schedule.id, kind, self.context())

    async def run_pass(
        self,
        schedule: Schedule,
        execution: Execution | None = None,
        *,
        run_id: str | None = None,
        at: datetime | None = None,
        now: datetime | None = None,
    ) -> Outcome | Stopped | HeldElsewhere:
        """Make one whole pass, as the flow makes it; `now` is the gate's clock."""
        facts = FlowRunFacts(run_id or new_id(), at or self.now(), scheduled=execution is None)
        work = Work(self.database, self.settings, facts)
        begun = await work.begin(schedule.id, execution.id if execution else None, now=now)
        if not isinstance(begun, Begun):
            return begun
        made = await work.render(begun)
        result = made if isinstance(made, Outcome) else await work.deliver(begun, made)
        return await work.settle(begun, result)

    async def execution(self) -> Execution:
        """Return the only execution that there is."""
        async with self.database.session() as session:
            return (await session.scalars(select(Execution))).one()

    async def deliveries(self) -> dict[str, Delivery]:
        """Return the deliveries by recipient."""
        async with self.database.session() as session:
            return {row.recipient: row for row in await session.scalars(select(Delivery))}

    async def attempts(self) -> list[Attempt]:
        """Return every attempt, in the order of their beginnings."""
        async with self.database.session() as session:
            return list(await session.scalars(select(Attempt).order_by(Attempt.started_at)))

    async def due_now(self) -> None:
        """Let the next attempts be due at once instead of waiting for them."""
        async with self.database.session() as session:
            for row in await session.scalars(select(Delivery).where(Delivery.next_attempt_at.is_not(None))):
                row.next_attempt_at = self.now()
