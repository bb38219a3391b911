"""Make what the page of one calendar shows, and what a change of it would move. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from api.actions.calendars.views import CalendarDetail, CalendarUsersView, EffectView, MovedView
from api.web import words
from api.web.calendar.form import place_words, today_of, weekend_words
from api.web.calendar.year import Year, year_of
from api.web.parts import Chip, Link, SummaryRow
from api.web.when import When
from mailroom.calendars.spec import CalendarDefinition

MOST_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Page:
    """The page of a calendar."""

    title: str
    href: str
    rows: tuple[SummaryRow, ...]
    year: Year
    days_off: tuple[tuple[str, str, str], ...]
    may_change: bool
    may_delete: bool
    users: Users


@dataclass(frozen=True, slots=True)
class Move:
    """A schedule that a change moves, and how."""

    link: Link
    how: str


@dataclass(frozen=True, slots=True)
class Effect:
    """Hold what a change would move, to be agreed to; `hidden` are the fields that are sent again."""

    heading: str
    first: str
    moves: tuple[Move, ...]
    more: str
    hidden: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class User:
    """A schedule on the calendar."""

    link: Link
    chip: Chip


@dataclass(frozen=True, slots=True)
class Users:
    """The schedules on the calendar; `more` counts those that the visitor may not see, or that are too many."""

    named: tuple[User, ...]
    more: str

    @property
    def none(self) -> bool:
        """Return whether no schedule is on it."""
        return not (self.named or self.more)


def page(
    found: CalendarDetail, when: When, *, used: CalendarUsersView, year: int | None, may_change: bool, may_delete: bool
) -> Page:
    """Return the page of a calendar with one year of it."""
    definition = CalendarDefinition.model_validate(found.model_dump(include=set(CalendarDefinition.model_fields)))
    today = today_of(when.now, when.zone)
    rows = (
        SummaryRow("Public holidays", (place_words(found.country, found.subdivision),)),
        SummaryRow("Days off in each week", (weekend_words(found.weekend),)),
        SummaryRow("Further days off", (words.count(len(found.holidays), "day"),)),
        SummaryRow("Worked all the same", (words.count(len(found.working_days), "day"),)),
    )
    return Page(
        title=found.title,
        href=f"/calendars/{found.id}",
        rows=rows,
        year=year_of(definition.business(), year or today.year, today=today, locale=when.locale),
        days_off=tuple((one.date.isoformat(), when.day(one.date), one.name) for one in found.days_off),
        may_change=may_change,
        may_delete=may_delete,
        users=users(used),
    )


def effect(found: EffectView, when: When, values: Mapping[str, Any], etag: str) -> Effect:
    """Return what a change would move in words, with what the form says as fields to send again."""
    heading = f"This moves {words.count(found.count, 'schedule')}" if found.count else "This moves no schedule"
    if not found.used_by:
        heading = "No schedule is on this calendar"
    first = ""
    if found.moved:
        one = found.moved[0]
        first = f"First: {one.name}, {how(one, when)}"
    left = [
        (f"{words.count(found.hidden, 'more schedule')} that you may not see", found.hidden),
        (f"{len(found.moved) - MOST_SHOWN} more", max(0, len(found.moved) - MOST_SHOWN)),
        (f"{words.count(found.not_looked_at, 'schedule')} that were too many to work out", found.not_looked_at),
    ]
    hidden = [("etag", etag), ("confirmed", "yes")]
    for name, value in values.items():
        hidden += [(name, one) for one in value] if isinstance(value, list) else [(name, str(value))]
    return Effect(
        heading,
        first,
        tuple(
            Move(Link(f"/schedules/{one.schedule_id}", one.name), how(one, when)) for one in found.moved[:MOST_SHOWN]
        ),
        "; ".join(text for text, number in left if number),
        tuple(hidden),
    )


def how(moved: MovedView, when: When) -> str:
    """Return how a schedule moves: from when to when, what falls away, or what is new."""
    was = when.moment(moved.was, moved.timezone, short=True).text if moved.was else ""
    becomes = when.moment(moved.becomes, moved.timezone, short=True).text if moved.becomes else ""
    if was and becomes:
        return f"from {was} to {becomes}"
    return f"{was} falls away" if was else f"{becomes} is new"


def users(found: CalendarUsersView) -> Users:
    """Return the schedules on the calendar."""
    named = tuple(
        User(Link(f"/schedules/{one.id}", one.name), words.schedule_chip(one.state)) for one in found.schedules
    )
    return Users(named, words.count(found.more, "more schedule") if found.more else "")
