"""Say on top of a schedule's page what is wrong with it: why, since when, and the first thing to do. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from api.actions.schedule.page import SchedulePage
from api.web import refusals, words
from api.web.parts import Button, Link, Tone
from api.web.schedule.changes import why_suspended
from api.web.schedule.rights import Rights
from api.web.when import When
from mailroom.executions.history.last_result import BAD
from mailroom.executions.reason_words import words as reason_words
from mailroom.executions.reasons import reason_of
from mailroom.schedules.overview.look import Past
from mailroom.states import ExecutionState, ScheduleState, SyncState
from mailroom.stops.spec import StopScope

_PLACE = re.compile(r"^[a-z_]+(\.\w+)*: ")
"""The place of a fault in the input, which stands before it in the audit trail."""


@dataclass(frozen=True, slots=True)
class Banner:
    """Hold what is wrong: a heading, sentences, and the first thing to do."""

    tone: Tone
    heading: str
    lines: tuple[str, ...] = ()
    do: Link | Button | None = None


def banners(
    page: SchedulePage, when: When, rights: Rights, zone: str, *, silent_since: datetime | None
) -> tuple[Banner, ...]:
    """Return the banners of a page, the most urgent first; `silent_since` is since when Prefect has not answered."""
    view = page.brief.schedule
    state = {
        ScheduleState.DELETED: _deleted,
        ScheduleState.SUSPENDED: _suspended,
        ScheduleState.ACTIVE: _failing,
    }.get(view.state)
    found = [state(page, when, rights, zone) if state else None, _held(page, when)]
    found.append(_prefect(page, when, silent_since))
    return tuple(one for one in found if one is not None)


def failing_since(ended: Sequence[Past]) -> Sequence[Past]:
    """Return the executions in a row, up to the last one, of which something did not arrive; skipped ones between them
    are left out. Empty where the last one is none of them.
    """
    found: list[Past] = []
    for one in reversed(ended):
        if one.execution.status in BAD:
            found.insert(0, one)
        elif not found or one.execution.status is not ExecutionState.SKIPPED:
            break
    return found


def _deleted(page: SchedulePage, when: When, rights: Rights, zone: str) -> Banner | None:
    view = page.brief.schedule
    if view.delete_after is None:
        return None
    until = when.moment(view.delete_after, zone)
    left = when.relative(view.delete_after)
    undo = Button(
        f"/schedules/{view.id}/undelete",
        "Undo the deletion",
        {"etag": view.etag, "once": f"undelete-{view.id}-{view.etag}"},
        "undo-2",
        "primary",
    )
    lines = (f"Nothing is sent. It can be brought back as it was until {until.text} ({left}); its history stays.",)
    return Banner("off", "This schedule is deleted", lines, undo if rights.delete else None)


def _suspended(page: SchedulePage, when: When, rights: Rights, zone: str) -> Banner | None:
    view, event = page.brief.schedule, why_suspended(page.events)
    since = f" since {when.moment(event.at, zone).text}" if event else ""
    detail = event.detail if event else {}
    here = f"/schedules/{view.id}"
    lines: tuple[str, ...]
    do: Link | None
    if "consecutive_failures" in detail or not detail:
        heading = f"Suspended{since}, after {words.count(detail.get('consecutive_failures', 0), 'failure')} in a row"
        failed = next((one for one in reversed(page.look.ended) if one.execution.status in BAD), None)
        lines = ("Nothing is sent until somebody resumes it. Look at what failed first, then resume it.",)
        do = Link(f"/executions/{failed.execution.id}", "See what failed") if failed else None
        return Banner("bad", heading if detail else f"Suspended{since}", lines, do)
    if "owner" in detail:
        owner = f"Its owner, {detail['owner']}, is disabled or has a role that may not own schedules."
        do = Link(f"{here}/reassign", "Give it to another owner") if rights.reassign else None
        return Banner("bad", f"Suspended{since}", (owner, "It needs another owner before it can be resumed."), do)
    lines = tuple(_fault(str(one)) for one in detail.get("faults", ()))
    do = Link(f"{here}/edit", "Change the schedule") if rights.change else None
    return Banner("bad", f"Suspended{since}: it does not fit any more", (*lines, "Change it, then resume it."), do)


def _fault(stored: str) -> str:
    """Return a fault of the audit trail as a sentence, without the name of its field."""
    told = refusals.for_pages(_PLACE.sub("", stored))
    return told[:1].upper() + told[1:]


def _failing(page: SchedulePage, when: When, rights: Rights, zone: str) -> Banner | None:
    bad = failing_since(page.look.ended)
    if not bad:
        return None
    first, last = bad[0].execution, bad[-1]
    row = last.execution
    since = when.moment(first.due_at, zone)
    counts = last.deliveries
    chip = words.execution_chip(row.status, delivered=counts.delivered, total=counts.total)
    times = "the last run" if len(bad) == 1 else f"the last {len(bad)} runs"
    why = refusals.for_pages(row.error_message or reason_words(reason_of(row)))
    do = Link(f"/executions/{row.id}", "See what failed and try again" if rights.retry else "See what failed")
    if row.status is ExecutionState.MISSED and rights.run:
        do = Link(f"/schedules/{page.brief.schedule.id}/run", "Run it now")
    tone: Tone = "warn" if row.status is ExecutionState.PARTIAL else "bad"
    return Banner(tone, f"{chip.words}: {times}, since {since.text}", (why,) if why else (), do)


def _held(page: SchedulePage, when: When) -> Banner | None:
    around = page.brief.around
    if not around.stops:
        return None
    stop = around.held or around.stops[0]
    what = {
        StopScope.ALL: "Everything is stopped",
        StopScope.SCHEDULE: "This schedule is stopped",
        StopScope.REPORT: "Its report is stopped",
        StopScope.CONNECTION: f"The connection {stop.target} is stopped",
    }[StopScope(stop.scope)]
    some = "" if around.held else " What goes elsewhere is sent."
    lines = (f"{stop.reason} Runs wait for it, and go on by themselves once an admin resumes it.{some}".strip(),)
    return Banner("warn", f"{what} since {when.moment(stop.stopped_at).text}", lines)


def _prefect(page: SchedulePage, when: When, silent_since: datetime | None) -> Banner | None:
    view = page.brief.schedule
    lines: tuple[str, ...]
    if view.sync.state is SyncState.ERROR:
        lines = ("It may not run as it is shown here. Change it, or ask an admin to look at what Prefect says of it.",)
        return Banner("bad", "Prefect refuses this schedule", lines)
    if silent_since is not None:
        lines = ("The schedule can be changed and runs can be asked for; it takes effect when Prefect answers.",)
        return Banner("warn", f"Prefect is not answering since {when.moment(silent_since).text}", lines)
    return None
