"""Make what the list of calendars shows. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from api.actions.calendars.views import CalendarView
from api.web import words
from api.web.parts import Empty, Link, Moment
from api.web.when import When

WHAT = "A calendar says which days are days off, so that a schedule can leave them out or move to a working day."


@dataclass(frozen=True, slots=True)
class Start:
    """A calendar to start from: its form comes filled in."""

    href: str
    title: str
    about: str


STARTS = (
    Start("/calendars/new?start=weekdays", "Monday to Friday", "The weekend is off, and no holidays are known."),
    Start(
        "/calendars/new?start=country", "Public holidays", "The weekend and the holidays of a country or a part of it."
    ),
    Start("/calendars/new?start=every-day", "Every day", "Every day is worked, except the days that you name."),
)


@dataclass(frozen=True, slots=True)
class Row:
    """A calendar in the list."""

    href: str
    title: str
    used_by: str
    changed: Moment


@dataclass(frozen=True, slots=True)
class Page:
    """The list; where it is empty, three calendars to start from for whoever may make one."""

    rows: tuple[Row, ...]
    status: str
    may_create: bool
    empty: Empty | None = None
    starts: tuple[Start, ...] = ()


def page(found: Iterable[CalendarView], when: When, *, may_create: bool) -> Page:
    """Return the list of calendars."""
    rows = tuple(
        Row(
            f"/calendars/{one.id}",
            one.title,
            words.count(one.used_by or 0, "schedule"),
            when.moment(one.updated_at, short=True),
        )
        for one in found
    )
    status = f"{words.count(len(rows), 'calendar')} · times in {when.zone.key}"
    if rows:
        return Page(rows, status, may_create)
    if may_create:
        empty = Empty("No calendars yet", f"{WHAT} Start from one of these.")
        return Page(rows, status, may_create, empty, STARTS)
    ask = (Link("/schedules", "Go to your schedules"),)
    return Page(rows, status, may_create, Empty("No calendars yet", f"{WHAT} An admin can make one.", ask))
