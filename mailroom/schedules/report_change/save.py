"""Save a new version of a report together with what it means for its schedules.

Active schedules that it would break are suspended, if the one who saves agrees; else nothing is saved. So no schedule
finds out at 09:00. Each function works in the caller's transaction, and takes its locks in the order of
`mailroom.storage.locks`: while the report is locked, no schedule of it is made, changed or resumed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access.permissions import Action
from mailroom.access.viewer import SYSTEM, Viewer
from mailroom.audit import repository as audit
from mailroom.audit.events import ScheduleSuspendedByReport
from mailroom.context import Context
from mailroom.errors import BreaksSchedules, Fault
from mailroom.executions.reasons import ReasonCode, because
from mailroom.ledger.account import account_for_change
from mailroom.notifications.events import SuspendedByReport
from mailroom.notifications.service import notify
from mailroom.reports import repository as report_repository
from mailroom.reports import service as reports
from mailroom.reports.spec import ReportDefinition
from mailroom.schedules import lifecycle
from mailroom.schedules import repository as stored
from mailroom.schedules.lifecycle import Cause
from mailroom.schedules.report_change.broken import Broken, broken_by
from mailroom.states import ScheduleState
from mailroom.storage.tables import Report

MOST_NAMED = 20
"""So many broken schedules are named in one answer; more are counted."""


@dataclass(frozen=True, slots=True)
class Saved:
    """A stored report: what became of it, what its author should know, and the schedules that it does not fit."""

    report: Report
    outcome: str
    warnings: list[str] = field(default_factory=list)
    suspended: list[Broken] = field(default_factory=list)
    unfit: list[Broken] = field(default_factory=list)


async def replace_report(
    session: AsyncSession,
    definition: ReportDefinition,
    context: Context,
    *,
    if_match: str | None,
    suspend_broken: bool,
) -> Saved:
    """Store a new definition of a report, and suspend the active schedules that it breaks.

    Raises:
        NotFound, Invalid.
        Conflict: `if_match` is stale.
        BreaksSchedules: active schedules would break, and `suspend_broken` does not allow that.
    """
    row = await report_repository.get(
        session, definition.id, viewer=context.viewer, doing=Action.REPORT_CHANGE, lock=True
    )
    before = row.definition
    row, warnings = await reports.save(session, definition, context, new=False, if_match=if_match)
    # Also what its author does not see, such as an admin's schedule of it; of that, nothing is told but the id.
    broken = await _told_to(context.viewer, session, await broken_by(session, definition, before=before, viewer=SYSTEM))
    suspended = await _suspend(
        session,
        row,
        broken,
        suspend_broken,
        by=context.actor.email,
        now=context.now,
        viewer=SYSTEM,
    )
    return Saved(row, "updated", warnings, suspended, _others(broken, suspended))


async def store_folder(
    session: AsyncSession, definition: ReportDefinition, *, now: datetime, suspend_broken: bool
) -> Saved:
    """Store the definition of a report folder, as `replace_report` does; `outcome` says whether anything changed.

    Raises:
        BreaksSchedules: active schedules would break, and `suspend_broken` does not allow that.
    """
    before = await report_repository.locked_definition(session, definition.id)
    row, outcome = await reports.store_definition(session, definition, now=now, actor=audit.SYNC)
    if outcome == "unchanged":
        return Saved(row, outcome)
    broken = await broken_by(session, definition, before=before, viewer=SYSTEM)
    suspended = await _suspend(session, row, broken, suspend_broken, by=audit.SYNC, now=now, viewer=SYSTEM)
    return Saved(row, outcome, [], suspended, _others(broken, suspended))


async def _told_to(viewer: Viewer, session: AsyncSession, broken: Sequence[Broken]) -> list[Broken]:
    seen = await stored.visible_among(session, [one.schedule_id for one in broken], viewer=viewer)
    return [
        one if one.schedule_id in seen else replace(one, name="Another schedule", owner="another user")
        for one in broken
    ]


def _others(broken: Sequence[Broken], suspended: Sequence[Broken]) -> list[Broken]:
    done = {one.schedule_id for one in suspended}
    return [one for one in broken if one.schedule_id not in done]


async def _suspend(
    session: AsyncSession,
    report: Report,
    broken: Sequence[Broken],
    agreed: bool,
    *,
    by: str,
    now: datetime,
    viewer: Viewer,
) -> list[Broken]:
    """Suspend the active schedules among those that the change breaks, and tell their owners; return these."""
    by_id = {one.schedule_id: one for one in broken if one.by_change}
    rows = await stored.active_among(session, list(by_id), viewer=viewer)
    concerned = [by_id[row.id] for row in rows]
    if concerned and not agreed:
        raise _refusal(report.id, concerned)
    ended = because(ReasonCode.SCHEDULE_SUSPENDED_BY_REPORT, report=report.id)
    await account_for_change(session, rows, now=now, ended=ended)
    for row, one in zip(rows, concerned, strict=True):
        lifecycle.move(row, ScheduleState.SUSPENDED, Cause.REPORT, now=now)
        faults = [str(fault) for fault in one.faults]
        audit.record(session, ScheduleSuspendedByReport(row.id, report.id, report.version, faults), at=now, actor=by)
    told = [
        SuspendedByReport(row.user_id, row.id, row.name, report.title, by, one.why)
        for row, one in zip(rows, concerned, strict=True)
    ]
    await notify(session, told, at=now)
    return concerned


def _refusal(report_id: str, broken: Sequence[Broken]) -> BreaksSchedules:
    faults = [
        Fault(f"schedules.{one.schedule_id}", f"'{one.name}' of {one.owner}: {one.why}") for one in broken[:MOST_NAMED]
    ]
    if left_out := broken[MOST_NAMED:]:
        faults.append(Fault("schedules", f"{len(left_out)} more are not named here."))
    count = "an active schedule" if len(broken) == 1 else f"{len(broken)} active schedules"
    return BreaksSchedules(
        f"This version of the report '{report_id}' would break {count}. Nothing was saved.",
        remedy=(
            "Change those schedules first, or save it with `suspend_broken`: they are suspended then, their owners "
            "are told, and each can be resumed once it fits the report."
        ),
        faults=faults,
    )
