"""Ask for the correction of a wrong report.

The deliveries of a correction are planned here, in the transaction that stores it, and not by its first pass: it goes
to exactly those who got the wrong report, by the destinations of that time, whatever the schedule says by now.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access import repository as users
from mailroom.access.ownership import bar_of
from mailroom.access.permissions import Action
from mailroom.audit import repository as audit
from mailroom.audit.events import ExecutionCorrected
from mailroom.context import Context
from mailroom.errors import Conflict
from mailroom.executions import again, lifecycle, overview
from mailroom.executions import deliveries as delivery_repository
from mailroom.executions import repository as executions
from mailroom.executions.reason_words import words
from mailroom.limits import service as limits
from mailroom.limits.spec import Budget
from mailroom.passes.gate import may_send
from mailroom.recipients.spec import Why
from mailroom.schedules import repository as stored
from mailroom.states import DeliveryState, ExecutionKind
from mailroom.storage.tables import Delivery, Execution

_GOT_IT = (DeliveryState.DELIVERED, DeliveryState.UNKNOWN)
"""Whoever may have the report counts: a correction too many is better than a wrong report that nobody takes back."""


class CorrectionRequest(BaseModel):
    """Say why a report is corrected."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reason: Why | None = Field(default=None, description="What was wrong, in a line that the recipients read.")


async def ask(session: AsyncSession, execution_id: str, wanted: CorrectionRequest, context: Context) -> Execution:
    """Store the correction of an execution that has ended; it counts as a run that the caller asks for.

    Raises:
        NotFound, Forbidden.
        Conflict: the execution has not ended, was a test, was corrected already or reached nobody, or nothing may be
            sent for its schedule now.
        TooOften: the caller has asked for as many runs within the hour as a user may.
    """
    await limits.hold_budget(session, context, Budget.RUNS)
    doing = Action.EXECUTION_CORRECT
    schedule_id = (await executions.visible(session, execution_id, viewer=context.viewer, doing=doing)).schedule_id
    schedule = await stored.find(session, schedule_id, lock=True)  # First, as every pass does: no deadlock.
    assert schedule is not None, "schedules are never removed, only marked as deleted"
    wrong = await executions.get(session, execution_id, lock=True)
    _require_correctable(wrong)
    if newest := await _newest(session, wrong.id):
        message = f"The execution was corrected already, by {newest}."
        raise Conflict(
            message, remedy=f"To correct that one: POST /api/v1/executions/{newest}/correct.", code="corrected_already"
        )
    owner = await users.find(session, schedule.user_id)
    if closed := may_send(ExecutionKind.CORRECTION, schedule.state, owner_active=bar_of(owner) is None):
        raise Conflict(f"Nothing may be sent now. {words(closed.reason)}", remedy="Resume the schedule first.")
    got_it = reached(await _chain(session, wrong))
    if not got_it:
        raise Conflict("Nobody got anything of this execution, so there is nothing to correct.")
    await limits.spend(session, context, Budget.RUNS)
    correction = lifecycle.new_execution(
        schedule.id, ExecutionKind.CORRECTION, wrong.due_at, now=context.now, requested_by=context.user.id
    )
    correction.corrects, correction.correction_reason = wrong.id, wanted.reason
    session.add(correction)
    await session.flush()
    session.add_all(
        delivery_repository.new_delivery(
            correction.id,
            row.position,
            row.recipient,
            channel=row.channel,
            connection=row.connection,
            destination=row.destination,
            now=context.now,
        )
        for row in got_it
    )
    event = ExecutionCorrected(wrong.id, schedule.id, correction.id, len(got_it), wanted.reason)
    audit.record_by(session, event, context)
    await session.flush()
    return correction


def _require_correctable(execution: Execution) -> None:
    if execution.kind is ExecutionKind.TEST:
        raise Conflict("A test is not corrected.", remedy="Send another test.")
    if not execution.status.ended or again.is_asked_for(execution):
        message = f"The execution is {execution.status}, and goes on."
        raise Conflict(message, remedy="Wait until it has ended, or cancel its run in Prefect.")


async def _newest(session: AsyncSession, execution_id: str) -> str | None:
    """Return the last correction of the chain that begins here, or None where there is none."""
    newest, following = None, execution_id
    while following := (await overview.corrections_of(session, [following])).get(following, ""):
        newest = following
    return newest


async def _chain(session: AsyncSession, execution: Execution) -> list[Sequence[Delivery]]:
    """Return the deliveries of an execution and of all that it corrects, its own first."""
    found, one = [], execution
    while True:
        found.append(await delivery_repository.deliveries_of(session, [one.id]))
        if one.corrects is None:
            return found
        one = await executions.get(session, one.corrects)


def reached(chain: Sequence[Sequence[Delivery]]) -> list[Delivery]:
    """Return the deliveries that reached somebody, or may have, one for each recipient of a destination. Pure.

    Whoever got a wrong report and not its correction, which was wrong too, still has to get the right one.

    Args:
        chain: the deliveries of each execution, the latest first.
    """
    found: dict[tuple[int, str], Delivery] = {}
    for deliveries in chain:
        for row in deliveries:
            if row.status in _GOT_IT:
                found.setdefault((row.position, row.recipient), row)
    return [found[place] for place in sorted(found)]
