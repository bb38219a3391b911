"""Make the list of runs from what the actions answer. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from api.actions.executions.views import ExecutionView
from api.actions.view import PageView
from api.web import words
from api.web.execution.reasons import explained
from api.web.executions.filters import PERIODS, Asked, choices, fields, in_words, more, periods
from api.web.parts import Chip, Empty, Field, Link, Moment, Pager
from api.web.when import When, duration
from mailroom.executions.history.search import MOST

LONGEST_REASON = 110


@dataclass(frozen=True, slots=True)
class Row:
    """A run in the list."""

    href: str
    due: Moment
    schedule: Link
    kind: str
    chip: Chip
    delivered: str
    lateness: str
    took: str
    reason: str


@dataclass(frozen=True, slots=True)
class ListPage:
    """The list of runs.

    Attributes:
        count: how many there are, in words.
        every: the pace at which the rows are looked at again; empty where they are not.
        hidden: what the form carries besides its fields, as names and values.
        open_more: whether the rarer fields are shown from the start, since some are set.
    """

    title: str
    count: str
    note: str
    rows: tuple[Row, ...]
    empty: Empty | None
    pager: Pager
    periods: tuple[Link, ...]
    fields: tuple[Field, ...]
    more: tuple[Field, ...]
    choices: tuple[Field, ...]
    hidden: tuple[tuple[str, str], ...]
    open_more: bool
    narrowed: bool
    clear: str
    here: str
    every: str


def list_of(
    given: Asked,
    found: PageView[ExecutionView],
    count: int | None,
    when: When,
    *,
    connections: Sequence[tuple[str, str]],
    schedule_name: str = "",
) -> ListPage:
    """Return the list of runs.

    Args:
        count: how many match; None for too many to count.
        connections: names and kinds of those that the visitor may see.
        schedule_name: of the schedule whose id was asked for, if one was.
    """
    rows = tuple(_row(one, when) for one in found.items)
    goes_on = any(not one.status.ended for one in found.items)
    told = (
        f"{when.number(count)} {'run' if count == 1 else 'runs'}" if count is not None else f"More than {MOST:,} runs"
    )
    return ListPage(
        title=f"{told} · Executions",
        count=f"{told} · times in {when.zone.key}",
        note=_note(given, found, count),
        rows=rows,
        empty=None if rows or found.next_cursor else _empty(given, schedule_name),
        pager=Pager(
            first=given.href() if given.cursor else "",
            next=given.href(cursor=found.next_cursor) if found.next_cursor else "",
            words=""
            if rows or not found.next_cursor
            else "Nothing among these; there are earlier ones to look through.",
        ),
        periods=periods(given),
        fields=fields(given, connections, schedule_name),
        more=more(given),
        choices=choices(given),
        hidden=(("period", given.period),) if given.period and not given.dated else (),
        open_more=bool(given.states or given.kinds or given.course or given.dated or given.error),
        narrowed=given.narrowed,
        clear=Asked(period=given.period).href(),
        here=given.href(**({"cursor": given.cursor} if given.cursor else {})),
        every="5s" if goes_on else "60s",
    )


def _row(one: ExecutionView, when: When) -> Row:
    again = one.next_try_at
    why = explained(one.reason_code, one.reason_values, one.reason, lambda at: when.moment(at, short=True).text).why
    return Row(
        href=f"/executions/{one.id}",
        due=when.moment(one.due_at, short=True),
        schedule=Link(f"/schedules/{one.schedule_id}", one.schedule_name),
        kind=words.KINDS[one.kind],
        chip=words.execution_chip(
            one.status,
            delivered=one.delivered,
            total=one.total,
            again_at=when.time(again) if again and again > when.now else "",
        ),
        delivered=f"{one.delivered}/{one.total}" if one.total else "–",
        lateness=duration(one.lateness_seconds) if one.lateness_seconds is not None else "–",
        took=duration(one.took_seconds) if one.took_seconds is not None else "–",
        reason=why if len(why) <= LONGEST_REASON else f"{why[: LONGEST_REASON - 1].rstrip()}…",
    )


def _note(given: Asked, found: PageView[ExecutionView], count: int | None) -> str:
    if count is not None:
        return ""
    if (given.destination or given.course) and found.next_cursor and len(found.items) < len(PERIODS):
        return f"The latest {MOST:,} runs were looked through. Narrow the days to look through all of them at once."
    return f"More than {MOST:,} runs are due in this time. Narrow it by days first."


def _empty(given: Asked, schedule_name: str) -> Empty:
    told, days = PERIODS[given.shown_period]
    when = "in these days" if given.dated else f"in the last {told}" if days else "yet"
    wider = [link for link in periods(given) if link.words == "All" and not link.current]
    links = [Link(link.href, "Look at all runs", icon="history") for link in wider]
    if given.narrowed:
        links.insert(0, Link(Asked(period=given.period).href(), "Clear filters", icon="x"))
        narrowed = in_words(given, schedule_name)
        return Empty("No run matches", f"Nothing {when} is: {narrowed}.", tuple(links))
    if not days:
        words_ = (
            "Each due time of a schedule is a run, and so is a test. Make a schedule, and its runs are listed here."
        )
        return Empty("No runs yet", words_, (Link("/schedules/new", "New schedule", icon="plus"),))
    return Empty(f"Nothing was due {when}", "Runs that were due earlier are in a longer period.", tuple(links))
