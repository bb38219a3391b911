"""Do the work of one pass over an execution, step by step; the flow calls the steps one after the other."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom import log_lines, own_endpoints
from mailroom import settings as settings_module
from mailroom.access import repository as users
from mailroom.access.viewer import SYSTEM
from mailroom.executions import deliveries as delivery_repository
from mailroom.executions import delivery_lifecycle
from mailroom.executions.fence import PassLost, hold_for
from mailroom.executions.reasons import Reason, ReasonCode, because, reason_of
from mailroom.limits.decide import limits_for
from mailroom.links.maker import link_maker
from mailroom.passes.claim import FlowRunFacts, HeldElsewhere, Stopped
from mailroom.passes.conclude import conclude
from mailroom.passes.conditions.decide import ConditionOpen
from mailroom.passes.conditions.withheld import why_withheld
from mailroom.passes.correcting.request import request_of
from mailroom.passes.deliver import Courier
from mailroom.passes.mishaps.recover import after_error, before_begin, uncounted
from mailroom.passes.outcome import LeftUnderWay, Outcome, Settled, Tried, given_up
from mailroom.passes.planned.deliveries import plan as plan_deliveries
from mailroom.passes.planned.plan import Plan, keep_plan, plan_of
from mailroom.passes.planned.rendered import FilesExpired, Rendered, as_planned, with_data
from mailroom.passes.planned.rendering_watch import RenderingWatch, watching, whole
from mailroom.passes.planned.shipment import load_shipment
from mailroom.passes.planned.size import require_size
from mailroom.passes.retry import expiry_of, next_attempt
from mailroom.passes.sending.due import due_now
from mailroom.passes.steps.begin import Begun, NotPrepared, begin
from mailroom.rendering.as_owner import varies_by_user
from mailroom.rendering.service import RenderedReport, render_report
from mailroom.reports import repository as report_repository
from mailroom.reports.errors import LimitExceeded
from mailroom.reports.rights import require_source
from mailroom.reports.spec import ReportDefinition
from mailroom.settings import Settings
from mailroom.states import DeliveryState, ExecutionState
from mailroom.stops import restored, witness
from mailroom.stops.restored import Restored
from mailroom.stops.witness import Witness
from mailroom.storage.artifacts import ArtifactStore
from mailroom.storage.database import Database, new_id, of_process
from mailroom.storage.tables import Delivery, Execution
from prefect_mailroom.channels.retries import STANDARD
from prefect_mailroom.errors import MailroomError, Retryable

__all__ = ["Begun", "Rendered", "Work", "open_work"]

T = TypeVar("T")

_LOG = logging.getLogger(__name__)
_MOST_EARLY_SECONDS = 60.0
"""Clocks of hosts differ by less than this; a run that begins even earlier was begun by hand, and does not wait."""


def _withheld(reason: Reason) -> Outcome:
    """Return the outcome of a report that is not sent, by its schedule's condition."""
    return Outcome(ExecutionState.SKIPPED, reason)


class Work:
    """The database and settings of a pass, and the flow run that it works for."""

    def __init__(self, database: Database, settings: Settings, run: FlowRunFacts) -> None:
        self.database, self.settings, self.run = database, settings, run
        self._seen: Witness | None = None

    async def begin(
        self, schedule_id: str, execution_id: str | None, *, now: datetime | None = None
    ) -> Begun | Stopped | HeldElsewhere | Outcome:
        """Claim, then gate. A closed gate, or a wait with its `retry_at`, is recorded and returned as the outcome.

        An error of our own is such a wait as well.
        """
        try:
            await self.database.agree_on_time()
            if now is None:
                await self._until_due()
            # Before the ledger: what is read of that can only be later, unless an older one took its place.
            self._seen = await asyncio.to_thread(witness.read, self.settings.witness_path)
            try:
                return await self._begin(schedule_id, execution_id, now)
            except Restored:
                await restored.look(self.database, self.settings.witness_path, now=now or self.database.now())
                self._seen = None
                return await self._begin(schedule_id, execution_id, now)
        except Exception as error:
            return await before_begin(self.database, self.run, execution_id, error, now=now or self.database.now())

    async def _until_due(self) -> None:
        """Wait where this process was begun too early, by a worker whose clock is ahead of the database's."""
        early = (self.run.expected_at - self.database.now()).total_seconds() if self.run.scheduled else 0.0
        if 0 < early <= _MOST_EARLY_SECONDS:
            await asyncio.sleep(early)

    async def _begin(
        self, schedule_id: str, execution_id: str | None, now: datetime | None
    ) -> Begun | Stopped | HeldElsewhere | Outcome:
        async def claimed(prepare: bool, session: AsyncSession) -> Begun | Stopped | HeldElsewhere | Outcome:
            seen = self._seen
            return await begin(
                session,
                self.run,
                schedule_id,
                execution_id,
                # Asked anew with each try, since the lease begins with it.
                now=now or self.database.now(),
                settings=self.settings,
                seen=seen,
                prepare=prepare,
            )

        what = f"The claim of flow run {self.run.id}"
        try:
            return await self.database.transact_patiently(partial(claimed, True), what)
        except NotPrepared as error:
            _LOG.info("Flow run %s begins its pass unprepared: %r", self.run.id, error.__cause__)
            return await self.database.transact_patiently(partial(claimed, False), what)

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
            return await self._after_error(begun, error)

    async def _after_error(self, begun: Begun, error: Exception) -> Outcome:
        claimed, now = begun.claimed, self.database.now()
        expires_after = claimed.spec.policy.expires_after
        return await after_error(self.database, claimed.execution.id, begun.number, expires_after, error, now=now)

    async def _render(self, begun: Begun) -> Rendered | Outcome:
        if begun.prepared is not None:
            withheld = begun.prepared.withheld
            return begun.prepared.rendered if withheld is None else _withheld(withheld)
        if begun.claimed.execution.plan is None:
            return await self._render_first(begun)
        plan = Plan.model_validate(begun.claimed.execution.plan)
        if plan.withheld is not None:
            return _withheld(plan.withheld.reason)
        try:
            return await self.database.transact(lambda session: as_planned(session, plan))
        except FilesExpired:
            return await self._files_expired(begun)

    async def _files_expired(self, begun: Begun) -> Outcome:
        """Give up what is not delivered, since nobody may get other data than the first recipients."""
        execution_id = begun.claimed.execution.id
        reason = because(ReasonCode.FILES_EXPIRED)

        async def give_up(session: AsyncSession) -> Sequence[Delivery]:
            await hold_for(session, execution_id, begun.number)
            await delivery_lifecycle.give_up(session, execution_id, reason)
            return await delivery_repository.deliveries_of(session, [execution_id])

        deliveries = await self.database.transact(give_up)
        return given_up(deliveries, reason)

    async def _render_first(self, begun: Begun) -> Rendered | Outcome:
        """Render, and fix what every recipient gets: a later pass keeps to this plan."""
        claimed, now = begun.claimed, self.database.now()
        execution, spec = claimed.execution, claimed.spec
        watch: RenderingWatch | None = None
        try:
            async with self.database.session() as session:
                report = await report_repository.get(session, spec.report_id, viewer=SYSTEM)
                definition = ReportDefinition.model_validate(report.definition)
                await require_source(session, report, definition)
                owner = await users.find(session, claimed.schedule.user_id)
                assert owner is not None, "users are never removed"
                seen_by = owner if varies_by_user(definition) else None
                request = await request_of(session, claimed, definition, seen_by)
            limits = limits_for(owner, self.settings)
            formats = [format_.value for format_ in request.formats]
            async with watching(self.database, execution.id, begun.number, formats=formats, began_at=now) as watch:
                made = await render_report(
                    self.database, self.settings, request, now=now, group=owner.id, limits=limits, tell=watch.tell
                )
        except MailroomError as error:
            return await self._render_failed(begun, error, watch)
        plan = plan_of(claimed.schedule, request, made)
        if await self._began_otherwise(execution, made, plan):
            return await self._files_expired(begun)

        async def keep(session: AsyncSession) -> Rendered | Outcome:
            row = await hold_for(session, execution.id, begun.number)
            rendered = await with_data(session, claimed, request, made)
            require_size(rendered.artifacts, limits)
            assert rendered.data is not None, "it has just been rendered"
            reason = await why_withheld(session, row, spec, rendered.data)
            record = whole(now, self.database.now(), rendered.artifacts, made.made)
            keep_plan(row, rendered.plan.because_of(reason), made, record, rendered.data)
            return rendered if reason is None else _withheld(reason)

        try:
            return await self.database.transact(keep)
        except (LimitExceeded, ConditionOpen) as error:
            return await self._render_failed(begun, error, watch)

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

    async def _render_failed(self, begun: Begun, error: MailroomError, watch: RenderingWatch | None) -> Outcome:
        error_id, now = new_id(), self.database.now()
        execution = begun.claimed.execution
        _LOG.warning("Rendering for execution %s failed (error %s): %s", execution.id, error_id, error)

        async def count(session: AsyncSession) -> datetime | None:
            row = await hold_for(session, execution.id, begun.number)
            row.render_failures += 1
            row.error_message, row.error_id = str(error), error_id
            if watch is not None:
                row.rendering = watch.record.model_copy(update={"ended_at": now, "failed": True}).stored()
            if not isinstance(error, Retryable):
                return None
            return next_attempt(
                attempts=row.render_failures,
                retries=STANDARD,
                max_attempts=None,
                now=now,
                not_before=error.not_before,
                key=row.id,
            )

        retry_at = await self.database.transact(count)
        expiry = expiry_of(execution, begun.claimed.spec.policy.expires_after)
        if retry_at and retry_at <= expiry.at:
            return Outcome(ExecutionState.RETRYING, because(ReasonCode.RENDER_RETRY, error=str(error)), retry_at)
        if retry_at:
            reason = because(ReasonCode.RENDER_EXPIRED, error=str(error), limit=expiry.limit)
            return Outcome(ExecutionState.FAILED, reason)
        code = ReasonCode.CONDITION_OPEN if isinstance(error, ConditionOpen) else ReasonCode.RENDER_FAILED
        return Outcome(ExecutionState.FAILED, because(code, error=str(error)))

    async def deliver(self, begun: Begun, rendered: Rendered) -> Outcome | Tried:
        """Make one attempt for each delivery that is due."""
        return await self._sheltered(begun, self._deliver(begun, rendered))

    async def _deliver(self, begun: Begun, rendered: Rendered) -> Outcome | Tried:
        claimed, now = begun.claimed, self.database.now()
        store = ArtifactStore(self.settings.artifacts_dir)
        try:
            links = link_maker(self.settings, rendered.artifacts)
            shipment = await load_shipment(store, claimed.execution, claimed.schedule, claimed.spec, rendered, links)
        except FilesExpired:
            return await self._files_expired(begun)
        deliveries = begun.prepared.deliveries if begun.prepared else await self._plan_deliveries(begun, now)
        if isinstance(deliveries, Outcome):
            return deliveries
        policy = claimed.spec.policy
        expiry = expiry_of(claimed.execution, policy.expires_after)
        todo = due_now(
            deliveries,
            now=now,
            again=claimed.again,
            forced=begun.forced,
            max_attempts=policy.max_attempts,
            expiry=expiry,
        )
        courier = Courier(
            self.database,
            self.settings,
            shipment,
            flow_run_id=self.run.id,
            forced=begun.forced,
            connections=begun.prepared.connections if begun.prepared else {},
        )
        await courier.deliver_all(todo)
        return Tried(expiry, courier.held_by)

    async def _plan_deliveries(self, begun: Begun, now: datetime) -> Sequence[Delivery] | Outcome:
        claimed = begun.claimed

        async def planned(session: AsyncSession) -> Sequence[Delivery] | Outcome:
            standing = await hold_for(session, claimed.execution.id, begun.number)
            if standing.status is ExecutionState.CANCELLED:
                return Outcome(ExecutionState.CANCELLED, reason_of(standing))
            wanted = plan_deliveries(claimed.execution, claimed.spec, now=now)
            return await delivery_repository.plan_deliveries(session, claimed.execution.id, wanted)

        return await self.database.transact(planned)

    async def settle(self, begun: Begun, result: Outcome | Tried) -> Settled:
        """Record the outcome, and what follows from it for the schedule and its owner.

        Where the ledger cannot be written, the run comes back: its next pass finds what has been delivered.

        Raises:
            PassLost: another pass has begun since; so do the steps before.
        """
        execution_id, now = begun.claimed.execution.id, self.database.now()

        async def record(session: AsyncSession) -> Settled:
            return await conclude(session, execution_id, result, pass_number=begun.number, now=now)

        try:
            return await self.database.transact_patiently(record, f"The outcome of execution {execution_id}")
        except PassLost:
            raise
        except LeftUnderWay as error:
            return await self.settle(begun, await self._after_error(begun, error))
        except Exception:
            error_id = new_id()
            _LOG.exception("The outcome of execution %s could not be recorded (error %s).", execution_id, error_id)
            back = uncounted(error_id, now=now)
            return Settled(back.state, back.reason, back.retry_at, recorded=False)


@asynccontextmanager
async def open_work(run: FlowRunFacts) -> AsyncIterator[Work]:
    """Open the work of a flow run in this process, from the environment's settings."""
    settings = settings_module.current()
    own_endpoints.close(settings)
    log_lines.guard()
    database = of_process(settings.database)
    try:
        yield Work(database, settings, run)
    finally:
        await database.close()
