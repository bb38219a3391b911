"""A simulated environment: real tables on SQLite and real code, with a model of Prefect and a clock that tests move."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
from prefect.client.orchestration import PrefectClient
from sqlalchemy.ext.asyncio import AsyncSession

import mailroom.connections.blocks
import mailroom.passes.deliver
import mailroom.rendering.client
from deployments.reconcile import Reconciler
from mailroom.access.service import ensure_default_user
from mailroom.connections.remembered import RememberedDocuments, remembering
from mailroom.errors import Conflict, Invalid, NotFound
from mailroom.rendering.job import RenderJob, RenderResult
from mailroom.rendering.render import render_here
from mailroom.reports import repository as report_repository
from mailroom.reports.spec import ReportDefinition
from mailroom.roles import Role
from mailroom.schedules import watchdog
from mailroom.schedules.deletions.finish import finish_due
from mailroom.settings import Settings
from mailroom.states import ExecutionKind, ScheduleState
from mailroom.storage.database import Database
from mailroom.storage.migrations import upgrade
from mailroom.storage.tables import Calendar, Connection, User
from prefect_mailroom.errors import SourceUnavailable
from prefect_mailroom.testing import Answer, Recorder
from tests.integration.promises.clock import Clock
from tests.integration.promises.prefect_model.client_of_prefect import ModelClient
from tests.integration.promises.prefect_model.model_of_prefect import ModelPrefect, Run
from tests.integration.promises.sink import Fate, Killed, Sink
from tests.integration.promises.snapshot import EMPTY, Reader, Snapshot
from tests.integration.promises.worker_pass import Pass, Step
from tests.support.environment import Environment
from tests.support.samples import REPORT, make_warehouse

T = TypeVar("T")
CALENDAR: dict[str, Any] = {"weekend": ["sat", "sun"], "holidays": []}
_CONNECTION = "promises"
FIRST = datetime.fromisoformat("2026-01-01T00:00:00+00:00")


async def lay_out(folder: Path) -> None:
    """Make a migrated database with an owner, a report, its connections and a calendar, which environments copy."""
    settings = Settings(data_dir=folder)
    make_warehouse(folder / "warehouse.db")
    database = Database(settings.database)
    await upgrade(database)
    async with database.session() as session:
        await ensure_default_user(session, FIRST, settings)
        for name, kind in (("one", "recording"), ("warehouse", "sql")):
            row = Connection(name=name, kind=kind, block_type_slug=kind, created_at=FIRST, updated_at=FIRST)
            session.add(row)
        await report_repository.save(session, ReportDefinition.model_validate(REPORT), now=FIRST)
        calendar = Calendar(id="office", title="Office", definition=CALENDAR, created_at=FIRST, updated_at=FIRST)
        session.add(calendar)
    await database.close()


@dataclass
class Trap:
    """Raises an error at the call to Prefect that is `calls` ahead, before or after the call's work.

    With 0 calls it never does.
    """

    calls: int
    after: bool
    error: type[BaseException]
    sprung: bool = False

    def pull(self, *, after: bool) -> BaseException | None:
        """Return the error to raise now, when a call begins or its work is done."""
        if not after:
            self.calls -= 1
        if self.calls == 0 and self.after is after and not self.sprung:
            self.sprung = True
            return Killed() if self.error is Killed else httpx.ReadTimeout("The model does not answer.")
        return None


class _Process(Reconciler):
    """The reconciler of one process, connected to the model."""

    def __init__(self, database: Database, settings: Settings, client: PrefectClient) -> None:
        super().__init__(database, settings)
        self._model = client

    async def _connected(self) -> PrefectClient:
        return self._model


class SimulatedEnvironment(Environment):
    """Everything of one example, with a model in place of Prefect, and a clock that stands still until it is moved."""

    def __init__(self, template: Path, folder: Path, start: datetime, patch: pytest.MonkeyPatch) -> None:
        folder.mkdir()
        shutil.copyfile(template / "mailroom.db", folder / "mailroom.db")
        self.clock = Clock(start)
        self.clock.rule(patch)
        # As fast as it gets: what Mailroom leaves to its pace is not what the promises are about.
        settings = Settings(
            data_dir=folder, prefect_writes_per_second=1000, sync_wait_seconds=30, prefect_writers=1, min_free_mb=0
        )
        settings.artifacts_dir.mkdir()
        self.reader = Reader(folder / "mailroom.db")
        ((owner_id,),) = self.reader.rows("SELECT id FROM users")
        super().__init__(
            Database(settings.database), settings, User(id=owner_id, email="owner@localhost", role=Role.ADMIN)
        )
        self.server = ModelPrefect(lambda: self.clock.now, self.clock.new_id)
        self.server.blocks = {
            # One after the other: a process that dies takes no other delivery with it in the middle of a statement.
            "one": {"shared_as": _CONNECTION, "max_sessions": 1},
            "warehouse": {"url": f"sqlite:///{template / 'warehouse.db'}"},
        }
        self.trap: Trap | None = None
        self._killed = asyncio.Event()
        self.meanwhile: Callable[[AsyncSession], Coroutine[Any, Any, object]] | None = None
        """Somebody makes this change while Prefect is told of something else."""
        self.up = self.scheduler_up = self.source_up = True
        self.writes: list[str] = []
        client = ModelClient(self.server, before=self._before, during=self._during, after=self._after)
        self.client = client.typed
        self.person = ModelClient(self.server).typed
        self.sink = Sink(self._why_not)
        self.reconciler = _Process(self.database, self.settings, self.client)
        self.frozen: list[Pass] = []
        self.snapshot: Snapshot = EMPTY
        self._opened = ExitStack()
        self._opened.callback(Recorder.forget, _CONNECTION)
        Recorder.named(_CONNECTION).answer_always(Answer(first=self.sink.take))
        self._opened.enter_context(remembering(RememberedDocuments(clock=self.clock.monotonic)))
        self._replace_what_is_outside(patch)

    def _replace_what_is_outside(self, patch: pytest.MonkeyPatch) -> None:
        @asynccontextmanager
        async def prefect(_settings: Settings) -> AsyncIterator[PrefectClient]:
            yield self.client

        async def render(job: RenderJob, **_: Any) -> RenderResult:
            if not self.source_up:
                raise SourceUnavailable("The warehouse is closed.")
            return render_here(job)

        patch.setattr(mailroom.connections.blocks, "prefect", prefect)
        patch.setattr(mailroom.rendering.client, "render", render)

    async def close(self) -> None:
        self._opened.close()
        await self.reconciler.close()
        await self.database.close()
        self.reader.close()
        shutil.rmtree(self.settings.data_dir)

    def _before(self, call: str) -> None:
        if not self.up:
            raise httpx.ConnectError("The model is down.")
        if not call.startswith("read") and call not in ("/deployments/filter", "/deployments/count"):
            self.writes.append(call)
        self._pull(after=False)

    async def _during(self) -> None:
        if change := self.meanwhile:
            self.meanwhile = None
            with contextlib.suppress(Invalid, Conflict, NotFound):
                await self.changed(change)

    def _after(self, _call: str) -> None:
        self._pull(after=True)

    def _pull(self, *, after: bool) -> None:
        if self._killed.is_set():
            raise Killed
        if self.trap and (error := self.trap.pull(after=after)):
            if isinstance(error, Killed):
                self._killed.set()
            raise error

    def _why_not(self, schedule_id: str, kind: ExecutionKind) -> str | None:
        """Return why nothing may leave for a schedule, by what the ledger said when the step began."""
        row = self.snapshot.schedules[schedule_id]
        allowed = {ScheduleState.ACTIVE, ScheduleState.FINISHED, ScheduleState.SUSPENDED}
        if kind is ExecutionKind.TEST:
            allowed.add(ScheduleState.PAUSED)
        if row.state not in allowed:
            return f"the schedule was {row.state}"
        return None if self.snapshot.owners[row.user_id] else "its owner had lost the right"

    def now(self) -> datetime:
        return self.clock.now

    def look(self) -> Snapshot:
        """Read the ledger anew."""
        self.snapshot = self.reader.read()
        return self.snapshot

    def audited(self, schedule_id: str, action: str, *, by: str = "mailroom") -> int:
        """Return how many events of the audit trail record this action on the schedule."""
        query = "SELECT count(*) FROM audit_events WHERE entity_id = ? AND action = ? AND actor LIKE ?"
        return int(self.reader.rows(query, schedule_id, action, f"{by}%")[0][0])

    def advance(self, by: timedelta) -> None:
        """Let time pass; Prefect's scheduler works meanwhile where it is up, by its own clock."""
        start = self.clock.now
        self.clock.advance(by)
        if self.up and self.scheduler_up:
            self.server.let_pass(start, self.clock.now)

    # What processes of Mailroom do.

    async def changed(self, change: Callable[[AsyncSession], Coroutine[Any, Any, T]]) -> T:
        """Make one request to the API, as one transaction."""
        async with self.database.session() as session:
            return await change(session)

    async def process(
        self, work: Callable[[Reconciler], Coroutine[Any, Any, object]], trap: Trap | None = None
    ) -> None:
        """Have the reconciler work; where it is killed, another process takes its place."""
        self.trap, self._killed = replace(trap) if trap else None, asyncio.Event()
        task, killed = asyncio.ensure_future(work(self.reconciler)), asyncio.ensure_future(self._killed.wait())
        await asyncio.wait([task, killed], return_when=asyncio.FIRST_COMPLETED)
        self.trap = None
        if not self._killed.is_set():
            killed.cancel()
            await task
            return
        task.cancel()
        await asyncio.gather(task, self.reconciler.close(), return_exceptions=True)
        self._killed = asyncio.Event()
        self.reconciler = _Process(self.database, self.settings, self.client)

    async def watch(self) -> None:
        await watchdog.look(self.database, now=self.clock.now)

    async def upkeep(self) -> None:
        """Do what a living API process does within a minute, with nothing in its way."""
        await self.watch()
        await finish_due(self.database, now=self.clock.now)
        await self.process(lambda reconciler: reconciler.run_pass())
        await self.process(lambda reconciler: reconciler.repair(seconds=60))
        await self.process(lambda reconciler: reconciler.rescue())
        await self.process(lambda reconciler: reconciler.run_pass())

    async def work(self, run: Run, fates: list[Fate], until: Step = Step.OVER) -> Pass:
        """Take a run through a pass, as far as `until`; a process that a fate ends leaves things as they are then."""
        begun = Pass(self, run)
        await self.go_on(begun, fates, until)
        return begun

    async def go_on(self, begun: Pass, fates: list[Fate], until: Step = Step.OVER) -> None:
        self.sink.fates = list(fates)
        try:
            await begun.go_on(until)
        except BaseException as error:
            if not _killed(error):
                raise
            self.died(begun, seen=False)

    def died(self, begun: Pass, *, seen: bool) -> None:
        """End the process of a pass; with `seen`, a worker lives and tells Prefect."""
        begun.die(seen=seen)
        recorded = [row.key for row in self.reader.read().deliveries.values() if row.status == "delivered"]
        self.sink.process_died(recorded)

    async def both(self, first: Run, second: Run) -> None:
        """Have two workers take up a run each at once."""
        await asyncio.gather(self.work(first, []), self.work(second, []))

    async def side_by_side(self, first: Pass, second: Pass) -> None:
        """Let two processes go on at once, neither knowing of the other."""
        await asyncio.gather(self.go_on(first, []), self.go_on(second, []))


def _killed(error: BaseException) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return all(_killed(one) for one in error.exceptions)
    return isinstance(error, Killed)
