"""Begin a pass in one transaction: claim, gate, and everything that can be planned where the rendering exists."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.calendars.service import business_calendar
from mailroom.executions import deliveries as delivery_repository
from mailroom.executions import lifecycle
from mailroom.executions.reasons import Reason
from mailroom.ledger import repository as ledger
from mailroom.limits.decide import limits_for
from mailroom.passes.claim import Claimed, FlowRunFacts, HeldElsewhere, Stopped, claim
from mailroom.passes.conditions.withheld import why_withheld
from mailroom.passes.gate import Closed, Open, Wait, gate
from mailroom.passes.lease import LENGTH
from mailroom.passes.outcome import Outcome
from mailroom.passes.planned.deliveries import plan as plan_deliveries
from mailroom.passes.planned.plan import keep_plan
from mailroom.passes.planned.rendered import Rendered, already_there
from mailroom.passes.planned.rendering_watch import whole
from mailroom.passes.planned.size import require_size
from mailroom.passes.situation import situation_of
from mailroom.passes.stopping.hold import end_held, stop_over
from mailroom.passes.supersede import Superseded, supersede
from mailroom.schedules import repository as stored
from mailroom.schedules.repository import Surroundings
from mailroom.settings import Settings
from mailroom.states import ExecutionState
from mailroom.stops.restored import Restored
from mailroom.stops.witness import Witness, tells_of_more
from mailroom.storage.patience import may_pass
from mailroom.storage.tables import Connection, Delivery
from mailroom.timing import occurrences


@dataclass(frozen=True, slots=True)
class Prepared:
    """Hold what the claim's transaction has found for the later steps, where nothing has to be rendered.

    `withheld` says why nothing is sent, by the schedule's condition.
    """

    rendered: Rendered
    deliveries: Sequence[Delivery]
    connections: Mapping[str, Connection]
    withheld: Reason | None = None


@dataclass(frozen=True, slots=True)
class Begun:
    """The claim holds and the gate is open.

    `forced` means that a person asked for another try; the runs of `superseded` are to be stopped.
    """

    claimed: Claimed
    forced: bool
    superseded: Sequence[Superseded] = ()
    prepared: Prepared | None = field(default=None, repr=False)

    @property
    def number(self) -> int:
        """Return the number of the pass, which every write of it carries."""
        return self.claimed.execution.pass_count


class NotPrepared(Exception):
    """The pass cannot be prepared together with its claim. It begins without, and meets the error in its own step."""


@contextmanager
def _preparing() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if may_pass(error):
            raise
        raise NotPrepared from error


async def begin(
    session: AsyncSession,
    run: FlowRunFacts,
    schedule_id: str,
    execution_id: str | None,
    *,
    now: datetime,
    settings: Settings,
    seen: Witness | None,
    prepare: bool = True,
) -> Begun | Stopped | HeldElsewhere | Outcome:
    """Claim, then gate. A closed gate, or a wait with its `retry_at`, is recorded and returned as the outcome.

    Everything is read before anything is changed, so that each row is written once.

    Args:
        seen: the witness beside the database, as it was read before this transaction.
        prepare: whether to plan here what can be planned without rendering.

    Raises:
        NotPrepared: `prepare` was asked for, and fails by an error that would stay.
        Restored: the database is older than its witness.
    """
    claimed = await claim(session, run, schedule_id=schedule_id, execution_id=execution_id, now=now)
    if not isinstance(claimed, Claimed):
        return claimed
    execution, schedule, timing = claimed.execution, claimed.schedule, claimed.spec.timing
    business = await business_calendar(session, timing.calendar)
    around = await stored.surroundings(session, schedule, claimed.spec.connections())
    standing = around.standing
    if tells_of_more(seen, standing.clock):
        raise Restored
    stop = await stop_over(session, claimed, standing.stops) if standing.stops else None
    verdict = gate(situation_of(claimed, around.owner, business, stop, now=now))
    prepare = prepare and isinstance(verdict, Open)
    rendered = await _rendered(session, claimed, around, settings, now) if prepare else None
    if claimed.first_of_scheduled:
        ledger.move_past(schedule, execution.due_at, next(occurrences(timing, execution.due_at, business), None))
    match verdict:
        case Closed() as closed if claimed.again:
            return await end_held(session, execution, closed.reason, now=now)
        case Closed() as closed:
            lifecycle.close(execution, closed.state, closed.reason, schedule=schedule, now=now)
            return Outcome(closed.state, closed.reason)
        case Wait(held_by=str() as stop_id) as wait:
            lifecycle.hold(execution, wait.reason, until=wait.until, stop_id=stop_id)
            return Outcome(execution.status, wait.reason, wait.until, stop_id)
        case Wait() as wait:
            lifecycle.wait(execution, wait.reason, until=wait.until, behind=wait.behind)
            return Outcome(ExecutionState.PENDING, wait.reason, wait.until)
        case Open(cancels=others):
            ended = [await supersede(session, other, by=execution, schedule=schedule, now=now) for other in others]
    forced = lifecycle.begin_pass(execution, now=now, lease_until=now + LENGTH)
    if claimed.first_of_scheduled:
        schedule.last_run = now
    prepared = await _prepared(session, claimed, rendered, around, now) if rendered else None
    return Begun(claimed, forced, [one for one in ended if one], prepared)


async def _rendered(
    session: AsyncSession, claimed: Claimed, around: Surroundings, settings: Settings, now: datetime
) -> Rendered | None:
    if around.report is not None and around.report.owner_id is not None:
        return None  # Its own step asks whether the report's author may still read the source.
    with _preparing():
        rendered = await already_there(session, claimed, around.report, around.owner, now=now)
        if rendered is not None and claimed.execution.plan is None and around.owner is not None:
            require_size(rendered.artifacts, limits_for(around.owner, settings))
        return rendered


async def _prepared(
    session: AsyncSession, claimed: Claimed, rendered: Rendered, around: Surroundings, now: datetime
) -> Prepared:
    """Fix the plan and store the deliveries, as the steps do where something has to be rendered first."""
    execution, spec = claimed.execution, claimed.spec
    with _preparing():
        if execution.plan is None:
            assert rendered.data is not None, "what has no plan yet comes with it"
            reason = await why_withheld(session, execution, spec, rendered.data)
            plan = rendered.plan.because_of(reason)
            record = whole(now, now, rendered.artifacts, ())
            keep_plan(execution, plan, rendered.report, record, rendered.data)
            if reason is not None:
                return Prepared(rendered, (), around.connections, reason)
        elif rendered.plan.withheld is not None:
            return Prepared(rendered, (), around.connections, rendered.plan.withheld.reason)
        planned = plan_deliveries(execution, spec, now=now)
        # The deliveries of a correction were planned when it was asked for.
        first = execution.pass_count == 1 and execution.corrects is None
        deliveries = await delivery_repository.plan_deliveries(session, execution.id, planned, first=first)
    return Prepared(rendered, deliveries, around.connections)
