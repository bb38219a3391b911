"""The environment of a test with outages: changes, time that has passed, and the proof at the end."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import WorkPoolUpdate
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterTags
from prefect.client.schemas.objects import FlowRun, StateType
from sqlalchemy import select

from deployments.reconcile import Reconciler
from deployments.sync.desired import schedule_tag
from embedded import data_dir
from mailroom.access.viewer import SYSTEM
from mailroom.ledger.figures import figures
from mailroom.states import ExecutionKind, ExecutionState
from mailroom.storage.database import Database
from mailroom.storage.tables import Execution, Schedule, User
from tests.integration.outages.processes import Processes
from tests.support.environment import Environment
from tests.support.samples import MAIL, schedule_body
from tests.support.waiting import eventually

HOUR = timedelta(hours=1)
_UNDER_WAY = (StateType.PENDING, StateType.RUNNING)


def body(name: str, timing: dict[str, Any], **policy: Any) -> dict[str, Any]:
    """Return a schedule with two recipients of its own."""
    to = [f"{who}@{name}.example" for who in ("ada", "bob")]
    timing = {"timezone": "UTC", **timing}
    return schedule_body(name=name, timing=timing, destinations=[{**MAIL, "to": to}], policy=policy)


class OutageEnvironment(Environment):
    """An environment that real processes work on; `client` reads and changes Prefect as a person may."""

    def __init__(self, processes: Processes, database: Database, owner: User, client: PrefectClient) -> None:
        super().__init__(database, processes.settings, owner, processes.mail)
        self.processes, self.client = processes, client
        self.began = datetime.now(UTC)
        self.hourly = {"frequency": "cron", "expression": f"{(self.began - timedelta(minutes=5)).minute} * * * *"}
        """Was due five minutes ago, and is so in 55 minutes."""

    async def change(self, what: Any, schedule: Schedule, now: datetime) -> None:
        """Pause, resume or delete the schedule at that moment."""
        async with self.database.session() as session:
            await what(session, schedule.id, self.context(now))

    async def hours_pass(self, hours: int) -> None:
        """Move what is stored of every schedule so many hours into the past."""
        async with self.database.session() as session:
            for row in await session.scalars(select(Schedule)):
                row.created_at -= hours * HOUR
                row.updated_at -= hours * HOUR
                row.accounted_until -= hours * HOUR
                row.next_run = row.next_run and row.next_run - hours * HOUR

    async def settle(self, *made: Schedule) -> None:
        """Bring the schedules, and everything pending, in step with Prefect, as an API process does."""
        reconciler = Reconciler(self.database, self.settings)
        for schedule in made:
            await reconciler.settle_schedule(schedule.id)
        await reconciler.run_pass()
        await reconciler.close()

    async def planned(self, schedule: Schedule, runs: int, *, since: datetime, until: datetime | None = None) -> None:
        """Have Prefect's scheduler insert that many runs from then on; only the server can make such runs."""
        period = {"start_time": since.isoformat(), "end_time": (until or datetime.now(UTC)).isoformat()}
        path = f"/deployments/{(await self.deployment(schedule)).id}/schedule"
        json = {**period, "min_runs": runs, "max_runs": runs}
        (await self.client.request("POST", path, json=json)).raise_for_status()  # type: ignore[arg-type]  # a path

    async def pool_paused(self, paused: bool) -> None:
        await self.client.update_work_pool(self.settings.work_pool, WorkPoolUpdate(is_paused=paused))

    async def runs(self, *tags: str, until: datetime | None = None) -> list[FlowRun]:
        """Return the flow runs with these tags that are due by now, or by `until`."""
        wanted = FlowRunFilter(tags=FlowRunFilterTags(all_=["mailroom", *tags]))
        found = await self.client.read_flow_runs(flow_run_filter=wanted)
        until = until or datetime.now(UTC)
        return [run for run in found if run.expected_start_time is None or run.expected_start_time <= until]

    async def runs_of(self, schedule: Schedule, *, until: datetime | None = None) -> list[FlowRun]:
        return await self.runs(schedule_tag(schedule.id), until=until)

    async def ended(self, run_id: UUID) -> FlowRun:
        """Return the run once it is in a final state."""

        async def look() -> FlowRun | None:
            run = await self.client.read_flow_run(run_id)
            return run if run.state and run.state.is_final() else None

        return await eventually(look, 120, self.processes.told)

    async def ask_api(self, method: str, path: str, **request: Any) -> Any:
        """Ask the API's process; returns its parsed answer."""
        headers = {"Authorization": f"Bearer {data_dir.api_key(self.settings)}"}
        async with httpx.AsyncClient(base_url=f"{self.settings.public_url}/api/v1", headers=headers) as client:
            return (await client.request(method, path, **request)).raise_for_status().json()

    async def states(self, schedule: Schedule) -> list[str]:
        """Return the states of the schedule's occurrences, in the order of their due times."""
        query = select(Execution).where(Execution.schedule_id == schedule.id, Execution.kind == ExecutionKind.SCHEDULED)
        async with self.database.session() as session:
            return [str(row.status) for row in await session.scalars(query.order_by(Execution.due_at))]

    async def all_end(self) -> None:
        """Wait until nothing is under way or waits, neither in the ledger nor in Prefect."""

        async def look() -> bool | None:
            async with self.database.session() as session:
                rows = [row.status.ended for row in await session.scalars(select(Execution))]
            states = [run.state_type for run in await self.runs()]
            return (rows and all(rows) and not {StateType.SCHEDULED, *_UNDER_WAY}.intersection(states)) or None

        await eventually(look, 120, self.processes.told)

    async def proof(self, since: datetime, until: datetime | None = None) -> dict[ExecutionState, int]:
        """Assert that all due times are accounted for and sent at most once; returns how the occurrences ended."""
        async with self.database.session() as session:
            found = await figures(session, viewer=SYSTEM, since=since, until=until or datetime.now(UTC))
            sent = await session.execute(
                select(Schedule.distribution_config)
                .join(Execution, Execution.schedule_id == Schedule.id)
                .where(Execution.status == ExecutionState.SUCCESS)
            )
        assert (found.due, found.unaccounted) == (found.accounted, 0), found.missing
        expected = Counter(to for (config,) in sent for target in config["destinations"] for to in target["to"])
        assert self.mail.counts() == expected, "once for each occurrence that succeeded, and to nobody else"
        assert len(set(self.mail.message_ids())) == len(self.mail.mails)
        return found.by_state
