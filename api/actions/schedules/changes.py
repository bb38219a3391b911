"""Change schedules. Each change is stored first and then brought to Prefect, for which the answer waits a moment."""

from __future__ import annotations

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from api.actions.caller import Caller, Remember, forget
from api.actions.schedules.present import schedule_view
from api.actions.schedules.reads import read
from api.actions.schedules.views import ScheduleView
from mailroom.schedules import service as schedules
from mailroom.schedules.deletions import undo
from mailroom.schedules.ownership import owners
from mailroom.schedules.spec import ScheduleSpec


async def create(caller: Caller, spec: ScheduleSpec, remember: Remember[ScheduleView] = forget) -> ScheduleView:
    """Store a new schedule.

    Raises:
        Invalid: the schedule can never run; every fault is named.
    """

    async def change(session: AsyncSession) -> str:
        view = await schedule_view(session, await schedules.create(session, spec, caller.context), caller.context)
        await remember(session, view)
        return view.id

    return await _in_step(caller, await caller.transact(change))


async def replace(caller: Caller, schedule_id: str, spec: ScheduleSpec, *, if_match: str | None) -> ScheduleView:
    """Replace everything that a user can set.

    Raises:
        NotFound, Conflict, Invalid.
    """
    await caller.transact(
        lambda session: schedules.replace(session, schedule_id, spec, caller.context, if_match=if_match)
    )
    return await _in_step(caller, schedule_id)


async def patch(caller: Caller, schedule_id: str, changes: dict[str, Any], *, if_match: str | None) -> ScheduleView:
    """Apply an RFC 7396 merge patch; it is the merged schedule that is validated.

    Raises:
        NotFound, Conflict, Invalid.
    """
    await caller.transact(
        lambda session: schedules.patch(session, schedule_id, changes, caller.context, if_match=if_match)
    )
    return await _in_step(caller, schedule_id)


async def delete(
    caller: Caller, schedule_id: str, remember: Remember[ScheduleView] = forget, *, if_match: str | None
) -> ScheduleView:
    """Delete a schedule, which can be undone until `delete_after` of the answer; its history stays.

    Raises:
        NotFound, Conflict.
    """

    async def change(session: AsyncSession) -> ScheduleView:
        row = await schedules.delete(session, schedule_id, caller.context, if_match=if_match)
        view = await schedule_view(session, row, caller.context)
        await remember(session, view)
        return view

    view = await caller.transact(change)
    await caller.services.reconciler.settle_schedule(schedule_id)
    return view


async def undelete(
    caller: Caller, schedule_id: str, remember: Remember[ScheduleView] = forget, *, if_match: str | None
) -> ScheduleView:
    """Undo the deletion of a schedule; it comes back as it was.

    Raises:
        NotFound, Conflict, LimitReached.
    """

    async def change(session: AsyncSession) -> None:
        row = await undo.undelete(session, schedule_id, caller.context, if_match=if_match)
        await remember(session, await schedule_view(session, row, caller.context))

    await caller.transact(change)
    return await _in_step(caller, schedule_id)


async def reassign(
    caller: Caller, schedule_id: str, to: str, remember: Remember[ScheduleView] = forget, *, if_match: str | None
) -> ScheduleView:
    """Give a schedule to another owner.

    Raises:
        NotFound, Forbidden, Conflict, Invalid, LimitReached.
    """

    async def change(session: AsyncSession) -> None:
        row = await owners.reassign(session, schedule_id, to, caller.context, if_match=if_match)
        await remember(session, await schedule_view(session, row, caller.context))

    await caller.transact(change)
    return await _in_step(caller, schedule_id)


async def pause(
    caller: Caller, schedule_id: str, remember: Remember[ScheduleView] = forget, *, if_match: str | None
) -> ScheduleView:
    """Stop a schedule until it is resumed.

    Raises:
        NotFound, Conflict.
    """

    async def change(session: AsyncSession) -> None:
        row = await schedules.pause(session, schedule_id, caller.context, if_match=if_match)
        await remember(session, await schedule_view(session, row, caller.context))

    await caller.transact(change)
    return await _in_step(caller, schedule_id)


async def resume(
    caller: Caller, schedule_id: str, remember: Remember[ScheduleView] = forget, *, if_match: str | None
) -> ScheduleView:
    """Let a schedule run again from its next due time.

    Raises:
        NotFound, Conflict.
    """

    async def change(session: AsyncSession) -> None:
        row = await schedules.resume(session, schedule_id, caller.context, if_match=if_match)
        await remember(session, await schedule_view(session, row, caller.context))

    await caller.transact(change)
    return await _in_step(caller, schedule_id)


async def _in_step(caller: Caller, schedule_id: str) -> ScheduleView:
    """Bring the change to Prefect, and return the schedule as it is then."""
    await caller.services.reconciler.settle_schedule(schedule_id)
    return await read(caller, schedule_id)
