"""Find deliveries, and ask for another try of many."""

from __future__ import annotations

import asyncio
from functools import partial

from api.actions.caller import Caller, Remember, forget
from api.actions.deliveries.filters import RetryRequest
from api.actions.deliveries.present import delivery_rows
from api.actions.deliveries.views import AskedExecution, DeliveryRow, LeftOut, RetryView
from api.actions.executions.retry import ask
from api.actions.view import PageView
from mailroom.errors import Conflict, Forbidden, NotFound
from mailroom.executions import deliveries
from mailroom.executions.deliveries import DeliveryFilter
from mailroom.storage.tables import Execution

MOST = 200
"""How many executions one request looks at; each that is asked for is a transaction of its own."""


async def page(caller: Caller, wanted: DeliveryFilter, *, cursor: str | None, limit: int) -> PageView[DeliveryRow]:
    """Return one page of the deliveries that match, the latest planned first."""
    async with caller.session() as session:
        found = await deliveries.list_page(session, viewer=caller.viewer, wanted=wanted, cursor=cursor, limit=limit)
        rows = await delivery_rows(session, found.items, caller.viewer)
    return PageView(items=rows, next_cursor=found.next_cursor)


async def retry(caller: Caller, wanted: RetryRequest, remember: Remember[RetryView] = forget) -> RetryView:
    """Ask for another try of each execution with something undelivered that matches, as a person does for one.

    The reconciler brings the requests to Prefect, however many there are; this waits for none of them.

    Raises:
        Invalid: the filter would match everything, or what is delivered.
    """
    chosen = wanted.chosen()
    async with caller.session() as session:
        found = await deliveries.ended_with(
            session, viewer=caller.viewer, wanted=chosen, cursor=wanted.cursor, limit=MOST
        )
        ids = [row.id for row in found.items]
        counts = await deliveries.count_matching(session, ids, viewer=caller.viewer, wanted=chosen)
        going_on = await deliveries.not_ended(session, viewer=caller.viewer, wanted=chosen)
    asked: list[AskedExecution] = []
    left_out: list[LeftOut] = []
    for row in found.items:
        count = counts.get(row.id, 0)
        try:
            await _ask(caller, row, dry_run=wanted.dry_run)
        except (Conflict, Forbidden, NotFound) as error:
            left_out.append(LeftOut(execution_id=row.id, deliveries=count, message=error.message, remedy=error.remedy))
        else:
            asked.append(AskedExecution(execution_id=row.id, deliveries=count))
    view = RetryView(
        dry_run=wanted.dry_run,
        executions=len(asked),
        deliveries=sum(one.deliveries for one in asked),
        asked=asked,
        left_out=left_out,
        not_ended=going_on,
        next_cursor=found.next_cursor,
    )
    await caller.transact(lambda session: remember(session, view))
    if not wanted.dry_run:
        done = {one.execution_id for one in asked}
        schedules = {row.schedule_id for row in found.items if row.id in done}
        await asyncio.gather(*(caller.services.reconciler.settle_schedule(one) for one in schedules))
    return view


async def _ask(caller: Caller, row: Execution, *, dry_run: bool) -> None:
    if dry_run:
        async with caller.session() as session:
            await ask(session, row.id, caller.context, dry_run=True)
        return
    await caller.transact(partial(ask, execution_id=row.id, context=caller.context))
