"""Account for some schedules in the caller's transaction: at each change, and for the watchdog."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.calendars.service import business_calendars
from mailroom.executions import lifecycle
from mailroom.executions.policy import Policy
from mailroom.executions.reasons import Reason
from mailroom.ledger import repository as ledger
from mailroom.ledger.decide import Accounts, Close, Entry, Known, reckon
from mailroom.states import ScheduleState
from mailroom.storage.tables import Schedule
from mailroom.timing import TIMING, BusinessCalendar

_LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class Found:
    """The entries that one schedule's accounts lacked, which were written, and the pending ones that were closed."""

    schedule: Schedule
    entries: list[Entry] = field(default_factory=list)
    closes: list[Close] = field(default_factory=list)


async def account(
    session: AsyncSession,
    schedules: Sequence[Schedule],
    *,
    now: datetime,
    until: datetime,
    ended: Reason | None = None,
) -> list[Found]:
    """Write into the ledger what was due up to `until` by the schedules as they are and is not there; move them on.

    Returns what was found, only for schedules where something was. Six statements, however many schedules.

    Args:
        schedules: active ones; the caller keeps others from changing them.
        ended: why nothing that was due up to then is to run any more, where that is so; it is skipped then.
    """
    results = await compare(session, schedules, now=now, until=until, ended=ended)
    if ended:  # What became due later waits for its own turn.
        results = [(one, _until(sheet, until)) for one, sheet in results]
    found = await _write(session, results, now=now)
    moves = [(schedule.id, schedule.accounted_until, sheet.until, sheet.next_run) for schedule, sheet in results]
    await ledger.advance(session, moves)
    return found


def _until(sheet: Accounts, until: datetime) -> Accounts:
    return replace(sheet, closes=[close for close in sheet.closes if close.due_at <= until])


async def account_for_change(
    session: AsyncSession, schedules: Sequence[Schedule], *, now: datetime, ended: Reason | None = None
) -> None:
    """Account for schedules before they change: what was due until now was due by what they are now.

    Afterwards nothing up to `now` is due by what they become; the caller sets `next_run`.

    Args:
        ended: why they stop firing, where they do; what waits is then skipped with this reason.
    """
    active = [schedule for schedule in schedules if schedule.state is ScheduleState.ACTIVE]
    if active:
        await _write(session, await compare(session, active, now=now, until=now, ended=ended), now=now)
        if ended:
            await lifecycle.skip_backfills(session, [schedule.id for schedule in active], ended, now=now)
    for schedule in schedules:
        schedule.accounted_until = now


async def compare(
    session: AsyncSession, schedules: Sequence[Schedule], *, now: datetime, until: datetime, ended: Reason | None = None
) -> list[tuple[Schedule, Accounts]]:
    there: dict[str, list[Known]] = defaultdict(list)
    for row in await ledger.known(session, [schedule.id for schedule in schedules]):
        there[row.schedule_id].append(
            Known(row.id, row.due_at, row.status, row.flow_run_id is not None, row.held_by is not None)
        )
    named = {calendar for schedule in schedules if (calendar := schedule.schedule_config.get("calendar"))}
    calendars = await business_calendars(session, named)

    def reckon_all() -> list[tuple[Schedule, Accounts]]:
        found = []
        for schedule in schedules:
            try:
                sheet = _reckon(schedule, calendars, there[schedule.id], now, until, ended)
            except ValidationError:
                # One row that cannot be read must not keep the others from being accounted for.
                _LOG.exception("Schedule %s cannot be accounted for: what is stored of it cannot be read.", schedule.id)
            else:
                found.append((schedule, sheet))
        return found

    # By cron, a schedule takes milliseconds: too long for an event loop that others share.
    return await asyncio.to_thread(reckon_all)


def _reckon(
    schedule: Schedule,
    calendars: dict[str, BusinessCalendar],
    known: list[Known],
    now: datetime,
    until: datetime,
    ended: Reason | None,
) -> Accounts:
    timing = TIMING.validate_python(schedule.schedule_config)
    policy = Policy.model_validate(schedule.policy_config["policy"])
    business = calendars.get(timing.calendar or "", BusinessCalendar())
    return reckon(
        timing, policy, business, after=schedule.accounted_until, until=until, now=now, known=known, ended=ended
    )


async def _write(session: AsyncSession, results: Sequence[tuple[Schedule, Accounts]], *, now: datetime) -> list[Found]:
    missing = [
        lifecycle.NewOccurrence(schedule.id, entry.due_at, entry.status, entry.reason)
        for schedule, sheet in results
        for entry in sheet.entries
    ]
    new = await lifecycle.insert_missing(session, missing, now=now)
    closes = [close for _, sheet in results for close in sheet.closes]
    ends = [(close.execution_id, close.status, close.reason) for close in closes]
    await lifecycle.close_unbegun(session, ends, now=now)
    found = [
        Found(schedule, [e for e in sheet.entries if (schedule.id, e.due_at) in new], sheet.closes)
        for schedule, sheet in results
    ]
    return [one for one in found if one.entries or one.closes]
