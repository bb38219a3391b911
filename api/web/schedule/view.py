"""Make of a schedule what its page shows. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from api.actions.executions.views import ExecutionView
from api.actions.schedule.page import Brief, SchedulePage
from api.web import refusals, words
from api.web.drawings import strip
from api.web.fields.said import parameter_lines
from api.web.fields.schema import Schema
from api.web.parts import Chip, Empty, Link, Moment, Pager, SummaryRow
from api.web.schedule import saying
from api.web.schedule.actions import Actions, actions_of
from api.web.schedule.banners import Banner, banners
from api.web.schedule.changes import Change, change_of, marks_of, why_suspended
from api.web.schedule.rights import Rights, who_can
from api.web.when import When, duration, share
from mailroom.schedules.forecast import DueTime
from mailroom.states import ExecutionKind, ExecutionState, ScheduleState

SHOWN_CHANGES = 20
SHOWN_DATES = 5
FILTERS: tuple[ExecutionState, ...] = (
    ExecutionState.SUCCESS,
    ExecutionState.PARTIAL,
    ExecutionState.FAILED,
    ExecutionState.MISSED,
    ExecutionState.SKIPPED,
)


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure: what it counts, the number, and what it is a part of."""

    term: str
    value: str
    second: str = ""


@dataclass(frozen=True, slots=True)
class Date:
    """One of the next due times, with its marks, such as a holiday that it was moved from."""

    at: Moment
    marks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Run:
    """A row of the runs; `kind` is empty for one whose time had come."""

    href: str
    at: Moment
    kind: str
    chip: Chip
    delivered: str
    took: str
    why: str


@dataclass(frozen=True, slots=True)
class Page:
    """The page of a schedule."""

    id: str
    name: str
    chip: Chip
    sync: Chip | None
    sample: Chip | None
    sentence: str
    next_term: str
    next: Moment | None
    owner: str
    zone: str
    actions: Actions
    who_can: str
    banners: tuple[Banner, ...]
    strip: strip.StripList | None
    strip_words: str
    figures: tuple[Figure, ...]
    dates: tuple[Date, ...]
    filters: tuple[Link, ...]
    runs: tuple[Run, ...]
    no_runs: str
    pager: Pager
    empty: Empty | None
    summary: tuple[SummaryRow, ...]
    warnings: tuple[str, ...]
    changes: tuple[Change, ...]
    audit: str
    pace: str


def view(
    page: SchedulePage,
    when: When,
    rights: Rights,
    *,
    status: ExecutionState | None = None,
    silent_since: datetime | None = None,
) -> Page:
    """Return the page of a schedule.

    Args:
        rights: what the visitor may do with it.
        status: the state of the runs that are listed.
        silent_since: since when Prefect has not answered, if it is away.
    """
    brief, found = page.brief, page.look
    schedule, zone = brief.schedule, brief.spec.timing.timezone
    owner = brief.around.owner
    newest = page.runs.items[0].id if page.runs.items else ""
    ahead = page.ahead.due if page.ahead else []
    cause = why_suspended(page.events)
    failures = int(cause.detail.get("consecutive_failures", 0)) if cause else 0
    return Page(
        id=schedule.id,
        name=schedule.name,
        chip=words.schedule_chip(schedule.state, schedule.last_status, failures=failures),
        sync=words.SYNC[schedule.sync.state],
        sample=words.SAMPLE if schedule.is_sample else None,
        sentence=brief.sentence,
        next_term="Next run" if found.past else "First run",
        next=when.moment(ahead[0].at, zone, relative=True) if ahead else None,
        owner=(owner.name or owner.email) if owner else "",
        zone=zone,
        actions=actions_of(schedule, rights, newest=newest),
        who_can=who_can(owner) if rights.none and schedule.state is not ScheduleState.DELETED else "",
        banners=banners(page, when, rights, zone, silent_since=silent_since),
        strip=_strip(page, when, zone),
        strip_words=strip.label([_past(one.execution.status, one.execution.due_at) for one in found.past]),
        figures=_figures(page),
        dates=tuple(_date(one, when, zone) for one in ahead[:SHOWN_DATES]),
        filters=_filters(schedule.id, status),
        runs=tuple(_run(one, when, zone) for one in page.runs.items),
        no_runs=f"No run is in the state “{words.EXECUTIONS[status].words}”." if status else "No runs yet.",
        pager=_pager(page, status),
        empty=_empty(page, when, rights, zone, status),
        summary=_summary(page, rights),
        warnings=tuple(refusals.for_pages(one.message) for one in schedule.warnings),
        changes=tuple(change_of(one, when, zone, _schema(page)) for one in page.events[:SHOWN_CHANGES])
        if rights.audit
        else (),
        audit=f"/audit?entity_type=schedule&entity_id={schedule.id}",
        pace="every 5s" if found.under_way else "every 60s",
    )


def _past(state: ExecutionState, due_at: datetime) -> strip.Occurrence:
    return strip.Occurrence(str(state), due_at)


def _strip(page: SchedulePage, when: When, zone: str) -> strip.StripList | None:
    past = page.look.past
    ahead = page.ahead.due if page.ahead else []
    if not past and not ahead:
        return None
    cells = []
    for one in past:
        row = one.execution
        chip = words.execution_chip(row.status, delivered=one.deliveries.delivered, total=one.deliveries.total)
        told = f"{when.moment(row.due_at, zone).text}: {chip.words[:1].lower()}{chip.words[1:]}"
        cells.append(strip.Occurrence(str(row.status), row.due_at, f"/executions/{row.id}", told))
    for due in ahead:
        told = f"{when.moment(due.at, zone).text}: to come"
        cells.append(strip.Occurrence(strip.TO_COME, due.at, "", told))
    since = past[0].execution.due_at if past else when.now
    marks = marks_of([one for one in page.events if one.at >= since], when, zone)
    return strip.page(cells, marks, now=when.now)


def _figures(page: SchedulePage) -> tuple[Figure, ...]:
    found = page.look.figures
    runs = (
        f"in {found.whole:,} of {words.count(found.runs, 'run')} everything arrived ({share(found.whole, found.runs)})"
    )
    p95 = "–" if found.p95 is None else f"within {duration(found.p95.total_seconds())}"
    state = page.brief.schedule.state
    soon = page.brief.due_soon if state is ScheduleState.ACTIVE else 0
    to = f"to {saying.reach_words(page.brief.reach)}"
    if state is not ScheduleState.ACTIVE:
        to = f"nothing is sent while it is {words.SCHEDULES[state].words.lower()}"
    return (
        Figure("Delivered in 30 days", f"{found.deliveries:,}", runs if found.runs else "no run has ended yet"),
        Figure("From due to delivered", p95, "95 % of the runs" if found.p95 is not None else "nothing delivered yet"),
        Figure("Next 7 days", words.count(soon, "run"), to),
    )


def _date(due: DueTime, when: When, zone: str) -> Date:
    marks = []
    if due.offset_change:
        marks.append(f"the clocks change: {due.offset_change.replace('->', 'to')}")
    if due.moved_from:
        marks.append(f"moved, since {due.moved_from.why}")
    return Date(when.moment(due.at, zone, relative=True), tuple(marks))


def _filters(schedule_id: str, status: ExecutionState | None) -> tuple[Link, ...]:
    here = f"/schedules/{schedule_id}"
    links = [Link(f"{here}#runs", "All", current=status is None)]
    links += [Link(f"{here}?state={one}#runs", words.EXECUTIONS[one].words, current=one is status) for one in FILTERS]
    return tuple(links)


def _run(row: ExecutionView, when: When, zone: str) -> Run:
    took = ""
    if row.started_at and row.completed_at:
        took = duration((row.completed_at - row.started_at).total_seconds())
    return Run(
        href=f"/executions/{row.id}",
        at=when.moment(row.due_at, zone, short=True),
        kind="" if row.kind is ExecutionKind.SCHEDULED else words.KINDS[row.kind],
        chip=words.EXECUTIONS[row.status],
        delivered=f"{row.delivered} of {row.total}" if row.total else "–",
        took=took or "–",
        why=""
        if row.status is ExecutionState.SUCCESS
        else refusals.for_pages(row.error.message if row.error else row.reason),
    )


def _pager(page: SchedulePage, status: ExecutionState | None) -> Pager:
    here, state = f"/schedules/{page.brief.schedule.id}", f"&state={status}" if status else ""
    following = page.runs.next_cursor
    return Pager(next=f"{here}?cursor={following}{state}#runs" if following else "")


def _empty(page: SchedulePage, when: When, rights: Rights, zone: str, status: ExecutionState | None) -> Empty | None:
    """Return what stands where the runs would: the first date, and what to do until then."""
    if page.runs.items or page.look.past or status:
        return None
    if page.ahead and page.ahead.due:
        first = when.moment(page.ahead.due[0].at, zone, relative=True)
        proof = " Until then, “Send a test to me” shows what will arrive." if rights.test else ""
        return Empty(f"First run {first.text}", f"It is due {first.relative}.{proof}")
    if page.brief.schedule.state is ScheduleState.PAUSED:
        return Empty("Nothing was sent yet", "It is paused: the first run comes after it is resumed.")
    return Empty("Nothing was sent yet", "No run of this schedule has begun.")


def _past_runs(brief: Brief) -> tuple[SummaryRow, ...]:
    """Return the way to try conditions on past runs."""
    if brief.schedule.state is ScheduleState.DELETED:
        return ()
    words = "Would they have been sent under this condition, or another?"
    return (SummaryRow("Past runs", (words,), f"/schedules/{brief.schedule.id}/condition", "Try it"),)


def _schema(page: SchedulePage) -> Schema:
    """Return the schema of the report's parameters; an empty one where the report is gone."""
    report = page.brief.around.report
    schema = (report.definition or {}).get("parameters") if report else None
    return schema if isinstance(schema, Mapping) else {}


def _summary(page: SchedulePage, rights: Rights) -> tuple[SummaryRow, ...]:
    brief = page.brief
    spec, report = brief.spec, brief.around.report
    changeable = rights.change and brief.schedule.state is not ScheduleState.DELETED
    change = f"/schedules/{brief.schedule.id}/edit" if changeable else ""
    data = brief.schedule
    data_lines = parameter_lines(_schema(page), spec.parameters)
    to: Sequence[str] = [line for one in data.destinations for line in saying.destination_lines(one)]
    return (
        SummaryRow("Report", (report.title if report else f"{spec.report_id} (deleted)",), change),
        SummaryRow("When", (brief.sentence,), change),
        SummaryRow("Which data", tuple(data_lines) or ("As the report has it",), change),
        SummaryRow("Format", (saying.format_words(spec.formats),), change),
        SummaryRow("To whom", tuple(to), change),
        SummaryRow("Send", (saying.condition_words(data.condition),), change),
        *_past_runs(brief),
        SummaryRow("Rules", saying.policy_lines(data.policy), change),
        SummaryRow("Owner", ((brief.around.owner.name or brief.around.owner.email) if brief.around.owner else "–",)),
    )
