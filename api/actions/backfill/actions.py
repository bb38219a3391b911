"""Run past due times of a schedule."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from api.actions.backfill.views import BackfillView
from api.actions.caller import Caller, Remember, forget
from mailroom.schedules.backfill import Backfill
from mailroom.schedules.backfill import backfill as store


async def backfill(
    caller: Caller,
    schedule_id: str,
    wanted: Backfill,
    remember: Remember[BackfillView] = forget,
    *,
    if_match: str | None = None,
) -> BackfillView:
    """Store the executions of a backfill and hand the first of them to Prefect; a dry run stores nothing.

    Raises:
        NotFound, Conflict, Invalid.
    """

    async def change(session: AsyncSession) -> BackfillView:
        plan = await store(session, schedule_id, wanted, caller.context, if_match=if_match)
        view = BackfillView.model_validate(plan)
        view.links = {"history": f"/api/v1/schedules/{schedule_id}/history?kind=backfill"}
        await remember(session, view)
        return view

    view = await caller.transact(change)
    if view.executions:
        await caller.services.reconciler.settle_schedule(schedule_id)
    return view
