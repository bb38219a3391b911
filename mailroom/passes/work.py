"""Do the work of one pass over an execution, step by step; the flow calls the steps one after the other."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from mailroom import settings as settings_module
from mailroom.access.viewer import SYSTEM
from mailroom.calendars.service import business_calendar
from mailroom.executions import deliveries as delivery_repository
from mailroom.executions import delivery_lifecycle, lifecycle
from mailroom.executions.fence import PassLost, hold_for
from mailroom.executions.reasons import ReasonCode, because, reason_of
from mailroom.ledger import repository as ledger
from mailroom.passes.claim import Claimed, FlowRunFacts, HeldElsewhere, Stopped, claim
from mailroom.passes.conclude import conclude
from mailroom.passes.deliver import Courier, due_now
from mailroom.passes.deliver import plan as plan_deliveries
from mailroom.passes.gate import Closed, Open, Wait, gate
from mailroom.passes.lease import LENGTH
from mailroom.passes.mishaps.recover import after_error, before_begin, uncounted
from mailroom.passes.outcome import Outcome, outcome_of
from mailroom.passes.planned.plan import Plan, plan_of
from mailroom.passes.planned.shipment import FilesExpired, find_report, load_shipment
from mailroom.passes.retry import next_attempt
from mailroom.passes.situation import read_situation
from mailroom.passes.supersede import Superseded, supersede
from mailroom.rendering.service import RenderedReport, render_report, render_request
from mailroom.reports import repository as report_repository
from mailroom.reports.rights import require_source
from mailroom.reports.spec import ReportDefinition
from mailroom.schedules import repository as stored
from mailroom.settings import Settings
from mailroom.states import DeliveryState, ExecutionKind, ExecutionState
from mailroom.storage.artifacts import ArtifactStore
from mailroom.storage.database import Database, new_id, of_process
from mailroom.storage.retrying import persistently
from mailroom.storage.tables import Execution
from mailroom.timing import occurrences
from prefect_mailroom.errors import MailroomError, Retryable

T = TypeVar("T")

_LOG = logging.getLogger(__name__)
_RENDER_TRIES = 4
_RENDER_WAIT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Rendered:
    """The render step hands this to the deliver step."""

    plan: Plan
    report: RenderedReport


@dataclass(frozen=True, slots=True)
class Begun:
    """The claim holds and the gate is open.

    `forced` means that a person asked for another try; the runs of `superseded` are to be stopped.
    """

    claimed: Claimed
    forced: bool
    superseded: Sequence[Superseded] = ()

    @property
    def number(self) -> int:
        """Return the number of the pass, which every write of it carries."""
        return self.claimed.execution.pass_count


class Work:
    """The database and settings of a pass, and the flow run that it works for."""

    def __init__(self, database: Database, settings: Settings, run: FlowRunFacts) -> None:
        self.database, self.settings, self.run = database, settings, run

    async def begin(
        self, schedule_id: str, execution_id: str | None, *, now: datetime | None = None
    ) -> Begun | Stopped | HeldElsewhere | Outcome:
        """Claim, then gate. A closed gate, or a wait with its `retry_at`, is recorded and returned as the outcome.

        An error of our own is such a wait as well.
        """
        now = now or datetime.now(UTC)
        try:
            return await persistently(
                lambda: self._begin(schedule_id, execution_id, now), f"The claim of flow run {self.run.id}"
            )
        except Exception as error:
            return await before_begin(self.database, self.run, execution_id, error, now=now)

    async def _begin(
        self, schedule_id: str, execution_id: str | None, now: datetime
    ) -> Begun | Stopped | HeldElsewhere | Outcome:
        async with self.database.session() as session:
            claimed = await claim(session, self.run, schedule_id=schedule_id, execution_id=execution_id, now=now)
            if not isinstance(claimed, Claimed):
                return claimed
            execution, schedule = claimed.execution, claimed.schedule
            business = await business_calendar(session, claimed.spec.timing.calendar)
            newer = next(occurrences(claimed.spec.timing, execution.due_at, business), None)
            if execution.kind is ExecutionKind.SCHEDULED and not claimed.again:
                await ledger.move_past(session, schedule.id, execution.due_at, newer)
            match gate(await read_situation(session, claimed, business, now=now)):
                case Closed() as closed:
                    lifecycle.close(execution, closed.state, closed.reason, now=now)
                    return Outcome(closed.state, closed.reason)
                case Wait() as wait:
                    lifecycle.wait(execution, wait.reason, until=wait.until, behind=wait.behind)
                    return Outcome(ExecutionState.PENDING, wait.reason, wait.until)
                case Open(cancels=others):
                    ended = [await supersede(session, other, by=execution, now=now) for other in others]
            forced = lifecycle.begin_pass(execution, now=now, lease_until=now + LENGTH)
            if execution.kind is ExecutionKind.SCHEDULED and not claimed.again:
                await stored.record_run(session, schedule.id, now)
            return Begun(claimed, forced, [one for one in ended if one])

    async def render(self, begun: Begun) -> Rendered | Outcome:
        """Render the execution's files, or return the outcome that there are none (yet)."""
        return await self._sheltered(begun, self._render(begun))

    async def _sheltered(self, begun: Begun, step: Awaitable[T]) -> T | Outcome:
        """Make a step of the pass; an error of our own that ends it is a retry, never an outcome."""
        try:
            return await step
        except PassLost:
            raise
        except Exception as error:
            claimed, now = begun.claimed, datetime.now(UTC)
            expires_after = claimed.spec.policy.expires_after
            return await after_error(self.database, claimed.execution.id, begun.number, expires_after, error, now=now)

    async def _render(self, begun: Begun) -> Rendered | Outcome:
        if begun.claimed.execution.plan is None:
            return await self._render_first(begun)
        plan = Plan.model_validate(begun.claimed.execution.plan)
        try:
            return Rendered(plan, await find_report(self.database, plan))
        except FilesExpired:
            return await self._files_expired(begun)

    async def _files_expired(self, begun: Begun) -> Outcome:
        """Give up what is not delivered, since nobody may get other data than the first recipients."""
        execution_id = begun.claimed.execution.id
        reason = because(ReasonCode.FILES_EXPIRED)
        async with self.database.session() as session:
            await hold_for(session, execution_id, begun.number)
            await delivery_lifecycle.give_up(session, execution_id, reason)
            deliveries = await delivery_repository.deliveries_of(session, [execution_id])
        some = any(delivery.status is DeliveryState.DELIVERED for delivery in deliveries)
        return Outcome(ExecutionState.PARTIAL if some else ExecutionState.FAILED, reason)

    async def _render_first(self, begun: Begun) -> Rendered | Outcome:
        """Render, and fix what every recipient gets: a later pass keeps to this plan."""
        claimed, now = begun.claimed, datetime.now(UTC)
        execution, spec = claimed.execution, claimed.spec
        try:
            async with self.database.session() as session:
                report = await report_repository.get(session, spec.report_id, viewer=SYSTEM)
                definition = ReportDefinition.model_validate(report.definition)
                await require_source(session, report, definition)
            request = render_request(definition, spec.parameters, spec.formats, execution.due_at, spec.timing.timezone)
            made = await render_report(self.database, self.settings, request, now=now, group=claimed.schedule.user_id)
        except MailroomError as error:
            return await self._render_failed(begun, error)
        plan = plan_of(claimed.schedule, request, made)
        if await self._began_otherwise(execution, made, plan):
            return await self._files_expired(begun)
        async with self.database.session() as session:
            row = await hold_for(session, execution.id, begun.number)
            row.artifact_ids, row.report_version, row.plan = made.artifact_ids, plan.report_version, plan.stored()
            row.export_id = made.artifact_ids[0] if made.artifact_ids else None
        if spec.condition.send_if == "not_empty" and made.rows == 0:
            return Outcome(ExecutionState.SKIPPED, because(ReasonCode.NO_ROWS))
        return Rendered(plan, made)

    async def _began_otherwise(self, execution: Execution, made: RenderedReport, plan: Plan) -> bool:
        """Say whether somebody got other files from an earlier version of Mailroom, which stored no plan."""
        if (execution.artifact_ids, execution.report_version) in (
            (made.artifact_ids, plan.report_version),
            ([], None),
        ):
            return False
        async with self.database.session() as session:
            deliveries = await delivery_repository.deliveries_of(session, [execution.id])
        return any(delivery.status is DeliveryState.DELIVERED for delivery in deliveries)

    async def _render_failed(self, begun: Begun, error: MailroomError) -> Outcome:
        error_id, now = new_id(), datetime.now(UTC)
        execution = begun.claimed.execution
        _LOG.warning("Rendering for execution %s failed (error %s): %s", execution.id, error_id, error)
        async with self.database.session() as session:
            row = await hold_for(session, execution.id, begun.number)
            row.render_failures += 1
            row.error_message, row.error_id = str(error), error_id
            retry_at = None
            if isinstance(error, Retryable):
                retry_at = next_attempt(
                    attempts=row.render_failures,
                    max_attempts=_RENDER_TRIES,
                    now=now,
                    not_before=max(_RENDER_WAIT_SECONDS, error.not_before or 0),
                    key=row.id,
                )
        if retry_at:
            return Outcome(ExecutionState.RETRYING, because(ReasonCode.RENDER_RETRY, error=str(error)), retry_at)
        return Outcome(ExecutionState.FAILED, because(ReasonCode.RENDER_FAILED, error=str(error)))

    async def deliver(self, begun: Begun, rendered: Rendered) -> Outcome:
        """Make one attempt for each delivery that is due."""
        return await self._sheltered(begun, self._deliver(begun, rendered))

    async def _deliver(self, begun: Begun, rendered: Rendered) -> Outcome:
        claimed, now = begun.claimed, datetime.now(UTC)
        store = ArtifactStore(self.settings.artifacts_dir)
        try:
            shipment = await load_shipment(
                self.database,
                store,
                claimed.execution,
                claimed.schedule,
                claimed.spec,
                rendered.plan,
                rendered.report,
            )
        except FilesExpired:
            return await self._files_expired(begun)
        async with self.database.session() as session:
            standing = await hold_for(session, claimed.execution.id, begun.number)
            if standing.status is ExecutionState.CANCELLED:
                return Outcome(ExecutionState.CANCELLED, reason_of(standing))
            planned = plan_deliveries(claimed.execution, claimed.spec, now=now)
            deliveries = await delivery_repository.plan_deliveries(session, claimed.execution.id, planned)
        limit = claimed.spec.policy.max_attempts
        todo = due_now(deliveries, now=now, again=claimed.again, forced=begun.forced, max_attempts=limit)
        await Courier(self.database, self.settings, shipment, flow_run_id=self.run.id, forced=begun.forced).deliver_all(
            todo
        )
        async with self.database.session() as session:
            deliveries = await delivery_repository.deliveries_of(session, [claimed.execution.id])
        if any(delivery.status is DeliveryState.SENDING for delivery in deliveries):
            raise RuntimeError("The pass left a delivery under way: its attempt began, and nobody knows how it ended.")
        return outcome_of(deliveries)

    async def settle(self, begun: Begun, result: Outcome) -> Outcome:
        """Record the outcome, and what follows from it for the schedule and its owner.

        Where the ledger cannot be written, the run comes back: its next pass finds what has been delivered.

        Raises:
            PassLost: another pass has begun since; so do the steps before.
        """
        execution_id, now = begun.claimed.execution.id, datetime.now(UTC)

        async def record() -> Outcome:
            async with self.database.session() as session:
                return await conclude(session, execution_id, result, pass_number=begun.number, now=now)

        try:
            return await persistently(record, f"The outcome of execution {execution_id}")
        except PassLost:
            raise
        except Exception:
            error_id = new_id()
            _LOG.exception("The outcome of execution %s could not be recorded (error %s).", execution_id, error_id)
            return uncounted(error_id, now=now)


@asynccontextmanager
async def open_work(run: FlowRunFacts) -> AsyncIterator[Work]:
    """Open the work of a flow run in this process, from the environment's settings."""
    settings = settings_module.current()
    database = of_process(settings.database)
    try:
        yield Work(database, settings, run)
    finally:
        await database.close()
