"""Look at executions, and ask for them."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy.ext.asyncio import AsyncSession

from api.actions.caller import Caller, Remember, forget
from api.actions.executions.detail import execution_detail
from api.actions.executions.present import execution_views
from api.actions.executions.views import ExecutionDetail, ExecutionView
from api.actions.view import PageView
from mailroom.executions import repository as executions
from mailroom.executions.history import search
from mailroom.executions.history.search import ExecutionFilter
from mailroom.schedules import repository as stored
from mailroom.schedules import service as schedules
from mailroom.states import ExecutionKind, ExecutionState


async def page(caller: Caller, wanted: ExecutionFilter, *, cursor: str | None, limit: int) -> PageView[ExecutionView]:
    """Return one page of the executions that match, the latest due time first."""
    async with caller.session() as session:
        found = await search.search(session, viewer=caller.viewer, wanted=wanted, cursor=cursor, limit=limit)
        views = await execution_views(session, found.items, caller.context)
    return PageView(items=views, next_cursor=found.next_cursor)


async def count(caller: Caller, wanted: ExecutionFilter) -> int | None:
    """Count the executions that match; None where they are too many to count."""
    async with caller.session() as session:
        return await search.count(session, viewer=caller.viewer, wanted=wanted)


async def schedules_named(caller: Caller, asked: str) -> dict[str, str]:
    """Return the names of the schedules that this is the id of, or a part of the name of, by their ids."""
    async with caller.session() as session:
        return await stored.named(session, asked, viewer=caller.viewer)


async def history(
    caller: Caller,
    schedule_id: str,
    *,
    states: Collection[ExecutionState] = (),
    kinds: Collection[ExecutionKind] = (),
    cursor: str | None,
    limit: int,
) -> PageView[ExecutionView]:
    """Return one page of the executions of a schedule, the latest due time first.

    Raises:
        NotFound: there is no such schedule.
    """
    async with caller.session() as session:
        await stored.get(session, schedule_id, viewer=caller.viewer, undoable_at=caller.context.now)
    wanted = ExecutionFilter(schedule_id=schedule_id, states=states, kinds=kinds)
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
