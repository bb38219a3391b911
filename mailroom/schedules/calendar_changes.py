"""Create, replace and delete business calendars. Each function works in the caller's transaction.

A change moves every schedule on the calendar: what was due until now is accounted for by the old one, `next_run` is
worked out by the new one, and the schedule's generation counts it. Statements do not grow with the schedules.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access.permissions import Action
from mailroom.audit import events
from mailroom.audit import repository as audit
from mailroom.calendars import repository as calendars
from mailroom.calendars.spec import CalendarDefinition
from mailroom.context import Context
from mailroom.errors import Conflict, Fault
from mailroom.ledger.account import account_for_change
from mailroom.notifications.schedule_events import Changed
from mailroom.notifications.service import notify
from mailroom.schedules import lifecycle
from mailroom.schedules import repository as schedules
from mailroom.states import ScheduleState
from mailroom.storage.tables import Calendar, Schedule
from mailroom.timing import TIMING, BusinessCalendar, occurrences
from mailroom.versions import check_etag, etag_of

MOST_NAMED = 100
"""So many schedules are named where a calendar is not deleted; the rest is counted."""


class CalendarSettings(CalendarDefinition):
    """Everything that a user says of a calendar."""

    title: str = Field(min_length=1, max_length=200)

    def definition(self) -> dict[str, Any]:
        """Return what is stored besides the title."""
        return self.model_dump(mode="json", include=set(CalendarDefinition.model_fields))


class NewCalendar(CalendarSettings):
    """A new calendar with its id, which timings refer to."""

    id: str = Field(min_length=1, max_length=80, pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")


def etag(row: Calendar) -> str:
    """Return the version of a calendar as an ETag."""
    content = orjson.dumps([row.title, row.definition], option=orjson.OPT_SORT_KEYS)
    return etag_of(hashlib.sha256(content).hexdigest()[:16])


async def create(session: AsyncSession, wanted: NewCalendar, context: Context) -> Calendar:
    """Store a new calendar.

    Raises:
        Conflict: the id is in use.
    """
    definition = wanted.definition()
    row = await calendars.insert(session, wanted.id, title=wanted.title, definition=definition, now=context.now)
    if row is None:
        message = f"A calendar with the id '{wanted.id}' already exists."
        raise Conflict(message, remedy="Choose another id, or change the existing calendar with PUT.")
    audit.record_by(session, events.CalendarCreated(row.id, row.definition), context)
    return row


async def replace(
    session: AsyncSession, calendar_id: str, wanted: CalendarSettings, context: Context, *, if_match: str | None = None
) -> Calendar:
    """Store a new version, and move the schedules on it.

    Raises:
        NotFound.
        Conflict: `if_match` is stale.
    """
    row = await calendars.get(session, calendar_id, viewer=context.viewer, doing=Action.CALENDAR_CHANGE, lock=True)
    check_etag(etag(row), if_match, noun="calendar")
    before, after = row.definition, wanted.definition()
    changes = {key: [before.get(key), after[key]] for key in after if before.get(key) != after[key]}
    moved: Sequence[Schedule] = ()
    if changes:
        moved = await calendars.schedules_on(session, calendar_id)
        await account_for_change(session, moved, now=context.now)
    if row.title != wanted.title:
        changes["title"] = [row.title, wanted.title]
    if not changes:
        return row
    row.title, row.definition, row.updated_at = wanted.title, after, context.now
    await _move(session, moved, wanted.business(), context, calendar_id)
    audit.record_by(session, events.CalendarChanged(calendar_id, changes, len(moved)), context)
    return row


async def _move(
    session: AsyncSession, moved: Sequence[Schedule], business: BusinessCalendar, context: Context, calendar_id: str
) -> None:
    active = {row.id: row.schedule_config for row in moved if row.state is ScheduleState.ACTIVE}

    def following() -> dict[str, datetime | None]:
        timings = {key: TIMING.validate_python(config) for key, config in active.items()}
        return {key: next(occurrences(timing, context.now, business), None) for key, timing in timings.items()}

    # A tenth of a millisecond each: too long for an event loop that others share, when they are thousands.
    await lifecycle.calendar_changed(session, moved, await asyncio.to_thread(following), now=context.now)
    for schedule in moved:
        audit.record_by(session, events.ScheduleCalendarChanged(schedule.id, calendar_id), context)
    told = [Changed(one.user_id, one.id, one.name, context.who, ("calendar",)) for one in moved]
    await notify(session, told, at=context.now, by=context.user.id)


async def delete(session: AsyncSession, calendar_id: str, context: Context, *, if_match: str | None = None) -> None:
    """Remove a calendar.

    Raises:
        NotFound.
        Conflict: schedules are on it, of which some are named; or `if_match` is stale.
    """
    row = await calendars.get(session, calendar_id, viewer=context.viewer, doing=Action.CALENDAR_DELETE, lock=True)
    check_etag(etag(row), if_match, noun="calendar")
    if users := await calendars.schedules_on(session, calendar_id):
        named = ", ".join(f"'{schedule.name}'" for schedule in users[:5])
        message = f"The calendar '{calendar_id}' is used by {named}{f' and {len(users) - 5} more' * (len(users) > 5)}."
        seen = await schedules.visible_among(session, [one.id for one in users], viewer=context.viewer)
        faults = [
            Fault(f"schedules.{one.id}", f"The schedule '{one.name}' ({one.state}) is on it.")
            for one in users[:MOST_NAMED]
            if one.id in seen
        ]
        if more := len(users) - len(faults):
            faults.append(Fault("schedules", f"{more} more schedules are on it."))
        remedy = "Change those schedules to another calendar, or delete them first."
        raise Conflict(message, remedy=remedy, faults=faults)
    audit.record_by(session, events.CalendarDeleted(calendar_id, row.title), context)
    await session.delete(row)
