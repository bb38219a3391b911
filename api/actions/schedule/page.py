"""Gather what the pages of one schedule show."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from api.actions.caller import Caller
from api.actions.executions.present import execution_views
from api.actions.executions.views import ExecutionView
from api.actions.schedules.present import schedule_detail, schedule_view
from api.actions.schedules.views import ScheduleView
from api.actions.view import PageView
from mailroom.access.permissions import Action
from mailroom.audit import repository as audit
from mailroom.audit.repository import AuditFilter
from mailroom.calendars.service import business_calendars
from mailroom.executions.history.search import ExecutionFilter, search
from mailroom.schedules import repository as stored
from mailroom.schedules.forecast import Forecast, forecast
from mailroom.schedules.overview.look import Look, Surroundings, due_soon, look, surroundings
from mailroom.schedules.overview.reach import Reach, reach_of
from mailroom.schedules.spec import ScheduleSpec, stored_spec
from mailroom.states import ExecutionState, ScheduleState
from mailroom.storage.tables import AuditEvent, Schedule
from mailroom.timing import BusinessCalendar
from mailroom.timing.words import sentence

AHEAD = 10
_EVENTS = 100
_RUNS = 10


@dataclass(frozen=True, slots=True)
class Brief:
    """Hold what each page about a schedule says: the schedule, its timing in words, whom it reaches, what is around it.

    `due_soon` counts the due times of the next seven days, whether or not the schedule is active.
    """

    schedule: ScheduleView
    spec: ScheduleSpec
    sentence: str
    reach: Reach
    around: Surroundings
    due_soon: int


@dataclass(frozen=True, slots=True)
class SchedulePage:
    """Hold what the page of a schedule shows; `events` are the latest of its audit trail, newest first."""

    brief: Brief
    look: Look
    ahead: Forecast | None
    runs: PageView[ExecutionView]
    events: tuple[AuditEvent, ...]


async def read(
    caller: Caller, schedule_id: str, *, status: ExecutionState | None = None, cursor: str | None = None
) -> SchedulePage:
    """Return what the page of a schedule shows, also of a deleted one while its deletion can be undone.

    Args:
        status: the state of the runs that are listed.

    Raises:
        NotFound: there is no such schedule.
    """
    now = caller.context.now
    async with caller.session() as session:
        row = await stored.get(session, schedule_id, viewer=caller.viewer, undoable_at=now)
        view = await schedule_detail(session, row, caller.context)
        spec = stored_spec(row)
        seen = await look(session, row, spec, now=now)
        brief, ahead = await _brief(session, row, view, spec, seen.around, caller)
        wanted = ExecutionFilter(schedule_id=schedule_id, states={status} if status else ())
        listed = await search(session, viewer=caller.viewer, wanted=wanted, cursor=cursor, limit=_RUNS)
        runs = await execution_views(session, listed.items, caller.context)
        of_it = AuditFilter(entity_type="schedule", entity_id=schedule_id)
        events = await audit.list_page(session, viewer=caller.viewer, wanted=of_it, limit=_EVENTS)
    listing: PageView[ExecutionView] = PageView(items=runs, next_cursor=listed.next_cursor)
    return SchedulePage(brief, seen, ahead, listing, tuple(events.items))


async def brief(caller: Caller, schedule_id: str, *, doing: Action = Action.SCHEDULE_READ) -> Brief:
    """Return what a page that asks before something is done says of a schedule.

    Args:
        doing: what the page asks about.

    Raises:
        NotFound: there is no such schedule.
        Forbidden: the caller may see it and not do this.
    """
    async with caller.session() as session:
        row = await stored.get(session, schedule_id, viewer=caller.viewer, doing=doing)
        view = await schedule_view(session, row, caller.context)
        spec = stored_spec(row)
        around = await surroundings(session, row, spec)
        found, _ = await _brief(session, row, view, spec, around, caller)
    return found


async def changes_since(caller: Caller, schedule_id: str, count: int) -> tuple[ScheduleView, tuple[AuditEvent, ...]]:
    """Return a schedule as it is now, and so many of the latest entries of its audit trail, newest first.

    Raises:
        NotFound: there is no such schedule.
    """
    async with caller.session() as session:
        row = await stored.get(session, schedule_id, viewer=caller.viewer, undoable_at=caller.context.now)
        view = await schedule_view(session, row, caller.context)
        of_it = AuditFilter(entity_type="schedule", entity_id=schedule_id)
        events = await audit.list_page(session, viewer=caller.viewer, wanted=of_it, limit=max(1, min(count, _EVENTS)))
    return view, tuple(events.items)


async def _brief(
    session: AsyncSession,
    row: Schedule,
    view: ScheduleView,
    spec: ScheduleSpec,
    around: Surroundings,
    caller: Caller,
) -> tuple[Brief, Forecast | None]:
    now, timing = caller.context.now, spec.timing
    named = timing.calendar or ""
    # A deleted schedule keeps no calendar from being deleted.
    business = (await business_calendars(session, {named})).get(named, BusinessCalendar())
    active = row.state is ScheduleState.ACTIVE and timing.frequency != "immediate"

    def work_out() -> tuple[int, Forecast | None]:
        soon = due_soon(timing, business, now=now)
        return soon, forecast(timing, business, now=now, count=AHEAD, jitter=spec.policy.jitter) if active else None

    # By cron, a due time takes a fifth of a millisecond: too long for an event loop that others share.
    soon, ahead = await asyncio.to_thread(work_out)
    return Brief(view, spec, sentence(timing), reach_of(spec), around, soon), ahead
