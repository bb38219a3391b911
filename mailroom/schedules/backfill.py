"""Backfill past due times of a schedule on request: bounded, in order and marked.

Each gets the due time's own data window. They run one after the other: the next is handed over when the one before is
done, or waits for a retry.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access.permissions import Action
from mailroom.audit import repository as audit
from mailroom.audit.events import ScheduleBackfilled
from mailroom.calendars.service import business_calendar
from mailroom.context import Context
from mailroom.errors import Conflict, Invalid
from mailroom.executions import lifecycle
from mailroom.ledger import repository as ledger
from mailroom.limits import service as limits
from mailroom.limits.spec import Budget
from mailroom.schedules import repository as stored
from mailroom.schedules.service import etag
from mailroom.schedules.spec import stored_spec
from mailroom.states import ExecutionKind, ExecutionState, ScheduleState
from mailroom.timing import BusinessCalendar, Timing, occurrences
from mailroom.versions import check_etag

_MOST_LOOKED_AT = 10_000
_DONE = (ExecutionState.SUCCESS, ExecutionState.PARTIAL)


class Backfill(BaseModel):
    """The past due times to make good."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    since: date | AwareDatetime = Field(
        alias="from", description="The first day in the schedule's time zone, or a point in time. It is included."
    )
    until: date | AwareDatetime = Field(description="The last day, up to now, or a point in time. It is included.")
    again: bool = Field(default=False, description="Also run due times that were already delivered, fully or in part.")
    dry_run: bool = Field(default=False, description="Only report what would be done.")


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A due time of the range that is not backfilled, and why."""

    due_at: datetime
    reason: str


@dataclass(slots=True)
class Plan:
    """Due times to backfill, in order, and those that are left out; `executions` are the ids, none after a dry run."""

    due: list[datetime] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    executions: list[str] = field(default_factory=list)


def bounds(wanted: Backfill, timing: Timing, now: datetime) -> tuple[datetime, datetime]:
    """Return the first and last instant of the range, both included. Pure.

    Raises:
        Invalid: it is empty or lies in the future.
    """
    latest = now if isinstance(wanted.until, datetime) else now.astimezone(timing.zone).date()
    if wanted.until > latest:
        raise Invalid.at("until", "`until` is in the future.", "Choose a time that has passed.")
    for name, value in (("from", wanted.since), ("until", wanted.until)):
        if value.year < 1970:
            raise Invalid.at(name, f"The year {value.year} is too early.", "Give a year from 1970 on.")
    first = wanted.since if isinstance(wanted.since, datetime) else _day(wanted.since, timing)
    last = wanted.until if isinstance(wanted.until, datetime) else _day(wanted.until + timedelta(days=1), timing)
    if not isinstance(wanted.until, datetime):
        last = min(last - timedelta(microseconds=1), now)
    if first > last:
        raise Invalid.at("from", "`from` is after `until` or in the future.", "Choose a range that has passed.")
    return first.astimezone(UTC), last.astimezone(UTC)


def _day(day: date, timing: Timing) -> datetime:
    """Return the day's first instant in the schedule's zone."""
    return datetime.combine(day, time.min, timing.zone).astimezone(UTC)


def choose(
    timing: Timing,
    business: BusinessCalendar,
    first: datetime,
    last: datetime,
    *,
    known: Mapping[datetime, set[ExecutionState]],
    again: bool,
    most: int,
) -> Plan:
    """Choose the due times of the range to backfill. Pure.

    Args:
        known: the states of what was worked on for each due time, by its schedule or an earlier backfill.

    Raises:
        Invalid: there are more than `most`, or so many in the range that nobody would read what is left out.
    """
    due_times = occurrences(timing, first - timedelta(microseconds=1), business, until=last)
    found = list(islice(due_times, _MOST_LOOKED_AT + 1))
    if len(found) > _MOST_LOOKED_AT:
        message = f"and `until` hold more than {_MOST_LOOKED_AT} due times; nothing was chosen."
        raise Invalid.at("from", message, f"Ask for a shorter range: the schedule is due {found[-1]:%Y-%m-%d} by then.")
    plan = Plan()
    for due_at in found:
        states = known.get(due_at, set())
        if unfinished := states.intersection(ledger.OPEN):
            plan.left_out.append(LeftOut(due_at, f"Its execution is {min(unfinished)}."))
        elif not again and (done := states.intersection(_DONE)):
            plan.left_out.append(LeftOut(due_at, f"Its execution ended as {max(done)}."))
        else:
            plan.due.append(due_at)
    if len(plan.due) > most:
        remedy = "Backfill shorter ranges one after the other, or raise MAILROOM_BACKFILL_MOST."
        raise Invalid.at(
            "from", f"and `until` hold {len(plan.due)} due times; the most is {most}.", remedy, code="long_backfill"
        )
    return plan


async def backfill(
    session: AsyncSession, schedule_id: str, wanted: Backfill, context: Context, *, if_match: str | None = None
) -> Plan:
    """Store the executions of a backfill, or only say which they would be.

    Raises:
        NotFound: no such schedule.
        Conflict: it is not active, or `if_match` is stale.
        Invalid: the range is wrong or too long.
        TooOften: the caller has asked for as many within the hour as a user may.
    """
    await limits.hold_budget(session, context, Budget.BACKFILLS)
    schedule = await stored.get(session, schedule_id, viewer=context.viewer, doing=Action.SCHEDULE_BACKFILL, lock=True)
    check_etag(etag(schedule), if_match, noun="schedule")
    if schedule.state is not ScheduleState.ACTIVE:
        message = f"The schedule is {schedule.state}, so nothing is sent for it."
        raise Conflict(message, remedy="Resume the schedule first.")
    timing = stored_spec(schedule).timing
    first, last = bounds(wanted, timing, context.now)
    business = await business_calendar(session, timing.calendar)
    known = await ledger.worked_on(session, schedule.id, since=first, until=last)
    most = context.settings.backfill_most
    # By cron, a due time takes a fifth of a millisecond: too long for an event loop that others share.
    plan = await asyncio.to_thread(choose, timing, business, first, last, known=known, again=wanted.again, most=most)
    if plan.due and not wanted.dry_run:
        await limits.spend(session, context, Budget.BACKFILLS, len(plan.due))
    if wanted.dry_run or not plan.due:
        return plan
    rows = [
        lifecycle.new_execution(
            schedule.id, ExecutionKind.BACKFILL, due_at, now=context.now, requested_by=context.user.id
        )
        for due_at in plan.due
    ]
    session.add_all(rows)
    plan.executions = [row.id for row in rows]
    event = ScheduleBackfilled(schedule.id, first, last, wanted.again, len(rows))
    audit.record_by(session, event, context)
    return plan
