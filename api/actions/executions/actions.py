"""Look at executions, and ask for them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from api.actions.caller import Caller, Remember, forget
from api.actions.executions.present import execution_detail, execution_views
from api.actions.executions.views import ExecutionDetail, ExecutionView
from api.actions.view import PageView
from mailroom.executions import repository as executions
from mailroom.schedules import repository as stored
from mailroom.schedules import service as schedules
from mailroom.states import ExecutionKind, ExecutionState


@dataclass(frozen=True, slots=True)
class ExecutionFilter:
    """A choice of executions: those that match every given condition; `due_from` is included, `due_to` is not."""

    schedule_id: str | None = None
    status: ExecutionState | None = None
    kind: ExecutionKind | None = None
    due_from: datetime | None = None
    due_to: datetime | None = None


async def page(caller: Caller, wanted: ExecutionFilter, *, cursor: str | None, limit: int) -> PageView[ExecutionView]:
    """Return one page of the executions that match, the latest due time first."""
    async with caller.session() as session:
        found = await executions.list_page(
            session,
            viewer=caller.viewer,
            cursor=cursor,
            limit=limit,
            schedule_id=wanted.schedule_id,
            status=wanted.status,
            kind=wanted.kind,
            due_from=wanted.due_from,
            due_to=wanted.due_to,
        )
        views = await execution_views(session, found.items, caller.context)
    return PageView(items=views, next_cursor=found.next_cursor)


async def history(
    caller: Caller,
    schedule_id: str,
    *,
    status: ExecutionState | None,
    kind: ExecutionKind | None,
    cursor: str | None,
    limit: int,
) -> PageView[ExecutionView]:
    """Return one page of the executions of a schedule, the latest due time first.

    Raises:
        NotFound: there is no such schedule.
    """
    async with caller.session() as session:
        await stored.get(session, schedule_id, viewer=caller.viewer, undoable_at=caller.context.now)
    wanted = ExecutionFilter(schedule_id=schedule_id, status=status, kind=kind)
    return await page(caller, wanted, cursor=cursor, limit=limit)


async def read(caller: Caller, execution_id: str) -> ExecutionDetail:
    """Return one execution with its deliveries and their attempts.

    Raises:
        NotFound: there is none of that id.
    """
    async with caller.session() as session:
        return await execution_detail(
            session, await executions.visible(session, execution_id, viewer=caller.viewer), caller.context
        )


async def request(
    caller: Caller,
    schedule_id: str,
    kind: ExecutionKind,
    remember: Remember[ExecutionView] = forget,
    *,
    test_recipient: str | None = None,
    if_match: str | None = None,
) -> ExecutionView:
    """Store an execution to be run now, and hand it to Prefect.

    Raises:
        NotFound, Conflict, Invalid.
    """

    async def change(session: AsyncSession) -> ExecutionView:
        row = await schedules.request_execution(
            session, schedule_id, kind, caller.context, test_recipient=test_recipient, if_match=if_match
        )
        (view,) = await execution_views(session, [row], caller.context)
        await remember(session, view)
        return view

    view = await caller.transact(change)
    await caller.services.reconciler.settle_execution(view.id)
    async with caller.session() as session:
        row = await executions.visible(session, view.id, viewer=caller.viewer)
        (view,) = await execution_views(session, [row], caller.context)
    return view
