"""The work of one pass over an execution, in the order of DESIGN's run; the flow calls these one after the other."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from mailroom import settings as settings_module
from mailroom.access.viewer import SYSTEM
from mailroom.calendars.service import business_calendar
from mailroom.errors import Unavailable
from mailroom.executions import overlap
from mailroom.executions import repository as executions
from mailroom.ledger import repository as ledger
from mailroom.passes.claim import Claimed, FlowRunFacts, Stopped, claim
from mailroom.passes.deliver import Courier, due_now, load_shipment, plan
from mailroom.passes.gate import Closed, Open, Wait, gate
from mailroom.passes.lease import LENGTH
from mailroom.passes.outcome import conclude
from mailroom.passes.retry import next_attempt
from mailroom.passes.settle import Verdict, verdict
from mailroom.passes.situation import read_situation
from mailroom.passes.supersede import Superseded, supersede
from mailroom.rendering.service import Made, Order, order, rendered
from mailroom.reports import repository as report_repository
from mailroom.reports.spec import ReportDefinition
from mailroom.schedules import repository as stored
from mailroom.settings import Settings
from mailroom.states import ExecutionKind, ExecutionState
from mailroom.storage.artifacts import ArtifactStore
from mailroom.storage.database import Database, new_id, of_process
from mailroom.timing import occurrences
from prefect_mailroom.errors import MailroomError, SourceUnavailable

_LOG = logging.getLogger(__name__)
_RENDER_TRIES = 4


@dataclass(frozen=True, slots=True)
class Rendered:
    """What the render step hands to the deliver step."""

    wanted: Order
    made: Made


@dataclass(frozen=True, slots=True)
class Begun:
    """The claim holds and the gate is open.

    `forced` means that a person asked for another try; the runs of `superseded` are to be stopped.
    """

    claimed: Claimed
    forced: bool
    superseded: Sequence[Superseded] = ()


class Work:
    """Database and settings of a pass, and who it runs for."""

    def __init__(self, database: Database, settings: Settings, run: FlowRunFacts) -> None:
        self.database, self.settings, self.run = database, settings, run

    async def begin(
        self, schedule_id: str, execution_id: str | None, *, now: datetime | None = None
    ) -> Begun | Stopped | Verdict:
        """Claim, then gate. A closed gate, or a wait with its `retry_at`, is recorded and returned as the verdict."""
        now = now or datetime.now(UTC)
        async with self.database.session() as session:
            claimed = await claim(session, self.run, schedule_id=schedule_id, execution_id=execution_id, now=now)
            if isinstance(claimed, Stopped):
                return claimed
            execution, schedule = claimed.execution, claimed.schedule
            business = await business_calendar(session, claimed.spec.timing.calendar)
            newer = next(occurrences(claimed.spec.timing, execution.due_at, business), None)
            if execution.kind is ExecutionKind.SCHEDULED and not claimed.again:
                await ledger.claimed(session, schedule.id, execution.due_at, newer)
            match gate(await read_situation(session, claimed, business, now=now)):
                case Closed() as closed if not claimed.again:
                    return self._close(claimed, closed, now)
                case Wait() as wait:
                    execution.reason, execution.next_pass_at, execution.waits_for = wait.reason, wait.until, wait.behind
                    return Verdict(ExecutionState.PENDING, wait.reason, wait.until)
                case Open(cancels=others):
                    ended = [await supersede(session, other, by=execution, now=now) for other in others]
                case Closed():  # Of a later pass: it says itself, at each attempt, that nothing may leave.
                    ended = []
            execution.waits_for = None
            forced = execution.status in (ExecutionState.FAILED, ExecutionState.PARTIAL, ExecutionState.CANCELLED)
            execution.status, execution.reason, execution.next_pass_at = ExecutionState.RUNNING, "", None
            execution.pass_count += 1
            execution.lease_until = now + LENGTH
            execution.started_at = execution.started_at or now
            execution.completed_at = None
            if execution.kind is ExecutionKind.SCHEDULED and not claimed.again:
                await stored.record_run(session, schedule.id, now)
            return Begun(claimed, forced, [one for one in ended if one])

    def _close(self, claimed: Claimed, closed: Closed, now: datetime) -> Verdict:
        execution = claimed.execution
        execution.status, execution.reason, execution.next_pass_at = closed.state, closed.reason, None
        execution.started_at, execution.completed_at = now, now
        return Verdict(closed.state, closed.reason)

    async def render(self, begun: Begun) -> Rendered | Verdict:
        """The execution's files, or the verdict that there are none (yet)."""
        claimed, now = begun.claimed, datetime.now(UTC)
        execution, spec = claimed.execution, claimed.spec
        try:
            async with self.database.session() as session:
                report = await report_repository.get(session, spec.report_id, viewer=SYSTEM)
                definition = ReportDefinition.model_validate(report.definition)
            wanted = order(definition, spec.parameters, spec.formats, execution.due_at, spec.timing.timezone)
            made = await rendered(self.database, self.settings, wanted, now=now, group=claimed.schedule.user_id)
        except MailroomError as error:
            return await self._render_failed(begun, error)
        async with self.database.session() as session:
            row = await executions.get(session, execution.id)
            row.artifact_ids, row.report_version = made.artifact_ids, definition.version
            row.export_id = made.artifact_ids[0] if made.artifact_ids else None
        if spec.condition.send_if == "not_empty" and made.rows == 0:
            return Verdict(ExecutionState.SKIPPED, "The report has no rows, and is sent only when it has some.")
        return Rendered(wanted, made)

    async def _render_failed(self, begun: Begun, error: MailroomError) -> Verdict:
        error_id, now = new_id(), datetime.now(UTC)
        execution = begun.claimed.execution
        _LOG.warning("Rendering for execution %s failed (error %s): %s", execution.id, error_id, error)
        async with self.database.session() as session:
            row = await executions.get(session, execution.id)
            row.render_failures += 1
            row.error_message, row.error_id = str(error), error_id
            retry_at = None
            if isinstance(error, SourceUnavailable | Unavailable):
                retry_at = next_attempt(
                    attempts=row.render_failures, max_attempts=_RENDER_TRIES, now=now, not_before=30, key=row.id
                )
        if retry_at:
            return Verdict(ExecutionState.RETRYING, f"Rendering is tried again: {error}", retry_at)
        return Verdict(ExecutionState.FAILED, f"Rendering failed: {error}")

    async def deliver(self, begun: Begun, made: Rendered) -> Verdict:
        """One attempt for each delivery that is due."""
        claimed, now = begun.claimed, datetime.now(UTC)
        store = ArtifactStore(self.settings.artifacts_dir)
        try:
            shipment = await load_shipment(
                self.database,
                store,
                claimed.execution,
                claimed.schedule,
                claimed.spec,
                made.wanted,
                made.made,
            )
        except FileNotFoundError as error:
            return Verdict(ExecutionState.FAILED, f"A rendered file has gone from the store: {error.filename}.")
        async with self.database.session() as session:
            standing = await overlap.standing(session, claimed.execution.id)
            if standing.status is ExecutionState.CANCELLED:
                return Verdict(ExecutionState.CANCELLED, standing.reason)
            planned = plan(claimed.execution, claimed.spec, now=now)
            deliveries = await executions.plan_deliveries(session, claimed.execution.id, planned)
        limit = claimed.spec.policy.max_attempts
        todo = due_now(deliveries, now=now, again=claimed.again, forced=begun.forced, max_attempts=limit)
        await Courier(self.database, self.settings, shipment, flow_run_id=self.run.id).deliver_all(todo)
        async with self.database.session() as session:
            return verdict(await executions.deliveries_of(session, [claimed.execution.id]))

    async def settle(self, begun: Begun, result: Verdict) -> Verdict:
        """Record the verdict, and what follows from it for the schedule and its owner."""
        async with self.database.session() as session:
            return await conclude(session, begun.claimed.execution.id, result, now=datetime.now(UTC))


@asynccontextmanager
async def open_work(run: FlowRunFacts) -> AsyncIterator[Work]:
    """The work of a flow run in this process, from the environment's settings."""
    settings = settings_module.current()
    database = of_process(settings.database)
    try:
        yield Work(database, settings, run)
    finally:
        await database.close()
