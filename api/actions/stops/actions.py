"""Stop what leaves, show what is stopped, and resume it."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from api.actions.caller import Caller, Remember, forget
from api.actions.stops.present import resume_view
from api.actions.stops.views import ResumeView, StopsView, StopView
from mailroom.releases import service as releases
from mailroom.releases.service import Resumption
from mailroom.stops import repository as stops
from mailroom.stops.spec import ResumeRequest, StopRequest


async def standing(caller: Caller) -> StopsView:
    """Return what is stopped, since when, by whom and why."""
    async with caller.session() as session:
        found = await stops.list_standing(session, viewer=caller.viewer)
    return StopsView(items=[StopView.model_validate(row) for row in found])


async def stop(caller: Caller, wanted: StopRequest, remember: Remember[StopView] = forget) -> StopView:
    """Stop something; where it is stopped already, return the stop that stands.

    Raises:
        NotFound: there is no such connection, report or schedule.
    """
    context = caller.context

    async def change(session: AsyncSession) -> StopView:
        row, _ = await releases.stop(
            session,
            wanted,
            viewer=caller.viewer,
            by=context.actor.email,
            now=context.now,
            origin=context.origin,
        )
        view = StopView.model_validate(row)
        await remember(session, view)
        return view

    return await caller.transact(change)


async def resume(caller: Caller, wanted: ResumeRequest, remember: Remember[ResumeView] = forget) -> ResumeView:
    """Show what would go, or lift the stop; the reconciler wakes what waited, a few at a time.

    Raises:
        NotFound: nothing is stopped there.
        Invalid: after a restoration it must be said what becomes of what was due.
    """
    context = caller.context

    async def keep(session: AsyncSession, found: Resumption) -> None:
        await remember(session, resume_view(wanted, found))

    found = await releases.resume(
        caller.services.database,
        wanted,
        viewer=caller.viewer,
        by=context.actor.email,
        now=context.now,
        origin=context.origin,
        before_commit=keep,
    )
    return resume_view(wanted, found)
