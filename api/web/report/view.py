"""Make what the page of one report shows. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from api.actions.reports.views import ReportVersion, ReportView
from api.actions.schedules.views import ScheduleView
from api.web import refusals, words
from api.web.fields.build import FieldGroup
from api.web.parts import Chip, Link, Moment, SummaryRow
from api.web.reports.view import picture
from api.web.when import When, duration
from mailroom.audit.repository import MAILROOM, SYNC
from mailroom.reports.errors import LimitExceeded, RenderFailed
from prefect_mailroom.errors import MailroomError

SOURCES = {"sql": "A database", "http": "Another product", "shell": "A program"}
_FROM_FOLDERS = frozenset({MAILROOM, SYNC})


@dataclass(frozen=True, slots=True)
class Stopped:
    """A preview that did not come about: how far it got, what was wrong and what to do."""

    heading: str
    message: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A preview in its frame: where it is, what it was made with, and how long that took."""

    src: str
    took: str


@dataclass(frozen=True, slots=True)
class Version:
    """A version of the report."""

    short: str
    at: Moment
    by: str
    what: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class OnIt:
    """A schedule on the report."""

    link: Link
    chip: Chip
    next_run: Moment | None


@dataclass(frozen=True, slots=True)
class Page:
    """The page of a report.

    Attributes:
        schedule: where it is scheduled, with the parameters that were tried; empty for whoever may not.
        more: how many schedules are on it besides those that are shown, in words.
        has_preview: whether there is anything to show before it is run.
    """

    title: str
    href: str
    picture: str
    description: str
    facts: tuple[SummaryRow, ...]
    parameters: FieldGroup
    has_preview: bool
    schedule: str
    schedules: tuple[OnIt, ...]
    more: str
    versions: tuple[Version, ...]


def page(
    found: ReportView,
    when: When,
    *,
    parameters: FieldGroup,
    query: Sequence[tuple[str, str]],
    has_preview: bool,
    may_schedule: bool,
    schedules: Iterable[ScheduleView],
    versions: Iterable[ReportVersion],
) -> Page:
    """Return the page of a report; `query` is what was tried, as it stands in an address."""
    on_it = tuple(_on_it(one, when) for one in schedules)
    hidden = max(0, (found.used_by or 0) - len(on_it))
    chosen = urlencode([("report", found.id), *query])
    return Page(
        title=found.title,
        href=f"/reports/{found.id}",
        picture=picture(found.id, found.version),
        description=found.description,
        facts=facts(found, when),
        parameters=parameters,
        has_preview=has_preview,
        schedule=f"/schedules/new?{chosen}" if may_schedule else "",
        schedules=on_it,
        more=words.count(hidden, "more schedule") if hidden else "",
        versions=tuple(_version(one, when, found.version) for one in versions),
    )


def facts(found: ReportView, when: When) -> tuple[SummaryRow, ...]:
    """Return what is said of a report besides its title."""
    source: dict[str, Any] = found.definition.get("source", {})
    kind = SOURCES.get(source.get("kind", ""), source.get("kind", ""))
    rows = [
        SummaryRow("Formats", (", ".join(one.upper() for one in found.formats),)),
        SummaryRow("Data from", (f"{kind}, by the connection {source.get('connection', '–')}",)),
        SummaryRow("Owner", (found.owner,) if found.owner else ("Everybody's: it belongs to the installation",)),
        SummaryRow("Used by", (words.count(found.used_by or 0, "schedule"),)),
        SummaryRow("Version", (f"{found.version[:8]}, since {when.moment(found.updated_at).text}",)),
    ]
    return tuple(rows)


def stopped(error: MailroomError, took: float) -> Stopped:
    """Return why a preview did not come about; one that took too long names the part, and how to narrow it."""
    told = refusals.words(error)
    if isinstance(error, LimitExceeded):
        where = f": {_part(error)}" if error.section else ""
        heading = f"Stopped after {took:.0f} s{where}" if error.limit == "seconds" else f"Stopped{where}"
        remedy = "Choose narrower parameters, such as a shorter period, and show the data again."
        return Stopped(heading, told.message, remedy)
    return Stopped("There is nothing to show", told.message, told.remedy)


def shown(href: str, took: float, query: Sequence[tuple[str, str]]) -> Shown:
    """Return where a preview is."""
    return Shown(f"{href}/preview?{urlencode(query)}" if query else f"{href}/preview", duration(took))


def _part(error: RenderFailed) -> str:
    name = error.section.removeprefix("query ").strip("'\"")
    return f"the query {name}" if error.section.startswith("query") else error.section


def _on_it(found: ScheduleView, when: When) -> OnIt:
    due = found.next_runs[0] if found.next_runs else None
    return OnIt(
        Link(f"/schedules/{found.id}", found.name),
        words.schedule_chip(found.state),
        when.moment(due.at, found.timing.get("timezone"), short=True) if due else None,
    )


def _version(found: ReportVersion, when: When, current: str) -> Version:
    changed = ", ".join(one.replace("_", " ") for one in found.changed)
    what = "Created" if found.first else f"Changed: {changed}" if changed else "Changed"
    by = "a folder of reports" if found.by in _FROM_FOLDERS else found.by
    return Version(found.version[:8], when.moment(found.at), by, what, found.version == current)
