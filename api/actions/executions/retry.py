"""Try again to deliver what an execution did not deliver."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from api.actions.caller import Caller, Remember, forget
from api.actions.executions.actions import read
from api.actions.executions.detail import execution_detail
from api.actions.executions.views import ExecutionDetail
from mailroom.access import repository as users
from mailroom.access.ownership import bar_of
from mailroom.access.permissions import Action
from mailroom.audit import repository as audit
from mailroom.audit.events import ExecutionRetried
from mailroom.context import Context
from mailroom.errors import Conflict
from mailroom.executions import again, overview
from mailroom.executions import deliveries as delivery_repository
from mailroom.executions import repository as executions
from mailroom.executions.reason_words import words
from mailroom.executions.reasons import ReasonCode, because
from mailroom.passes.gate import may_send
from mailroom.passes.planned.kept import files_are_kept
from mailroom.schedules import repository as stored
from mailroom.storage.tables import Execution


async def retry(caller: Caller, execution_id: str, remember: Remember[ExecutionDetail] = forget) -> ExecutionDetail:
    """Let the flow run of an execution that has ended run again; confirmed deliveries are never repeated.

    Raises:
        NotFound: there is none of that id.
        Conflict: it has not ended, nothing is undelivered, or nothing may be sent for its schedule now.
    """
    context = caller.context

    async def change(session: AsyncSession) -> str:
        execution = await ask(session, execution_id, context)
        await remember(session, await execution_detail(session, execution, context))
        return execution.schedule_id

    schedule_id = await caller.transact(change)
    await caller.services.reconciler.settle_schedule(schedule_id)
    return await read(caller, execution_id)


async def may_ask(caller: Caller, execution_id: str) -> None:
    """Ask whether another try is possible, and change nothing.

    Raises:
        NotFound, Forbidden, Conflict: why it is not.
    """
    async with caller.session() as session:
        await ask(session, execution_id, caller.context, dry_run=True)


async def refusal(caller: Caller, execution_id: str) -> Conflict | None:
    """Return why another try is not possible now, or None where it is.

    Raises:
        NotFound, Forbidden: the caller may not ask.
    """
    try:
        await may_ask(caller, execution_id)
    except Conflict as error:
        return error
    return None


async def ask(session: AsyncSession, execution_id: str, context: Context, *, dry_run: bool = False) -> Execution:
    """Ask for another try of an execution that has ended; a dry run only says whether that is possible.

    Raises:
        NotFound: there is none of that id.
        Conflict: it has not ended, nothing is undelivered, its files are gone, or nothing may be sent for it now.
    """
    lock = not dry_run
    doing = Action.EXECUTION_RETRY
    schedule_id = (await executions.visible(session, execution_id, viewer=context.viewer, doing=doing)).schedule_id
    schedule = await stored.find(session, schedule_id, lock=lock)  # First, as every pass does: no deadlock.
    assert schedule is not None, "schedules are never removed, only marked as deleted"
    execution = await executions.get(session, execution_id, lock=lock)
    owner = await users.find(session, schedule.user_id)
    if by := (await overview.corrections_of(session, [execution.id])).get(execution.id):
        raise Conflict(
            words(because(ReasonCode.CORRECTED, execution=by)),
            remedy="Run the schedule now, or backfill this due time, for those who got nothing.",
        )
    left = again.undelivered(execution, await delivery_repository.deliveries_of(session, [execution.id]))
    if closed := may_send(execution.kind, schedule.state, owner_active=bar_of(owner) is None):
        raise Conflict(f"Nothing may be sent now. {words(closed.reason)}", remedy="Resume the schedule first.")
    if not await files_are_kept(session, execution):
        raise Conflict(
            words(because(ReasonCode.FILES_EXPIRED)), remedy="Run the schedule now, or backfill this due time."
        )
    if dry_run:
        return execution
    asked = again.is_asked_for(execution)
    again.ask(execution, now=context.now)
    if not asked:
        audit.record_by(session, ExecutionRetried(execution.id, schedule.id, str(execution.status), left), context)
    await session.flush()
    return execution
