"""Make the page of notifications, and the list below the bell. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby

from api.actions.notifications.shown import Shown
from api.actions.notifications.views import NotificationView
from api.web.notifications.bell import bell_of
from api.web.notifications.item import HOME, Asked, Item, item_of, unmute
from api.web.parts import Button, Empty, Link, Pager
from api.web.when import When
from mailroom.notifications.kinds import Route
from mailroom.notifications.unsent import Unsent


@dataclass(frozen=True, slots=True)
class Day:
    """The notifications of a day in the reader's zone."""

    id: str
    heading: str
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class RouteFailed:
    """A route that could not tell somebody: what happened, and what the far side said."""

    words: str
    why: str


@dataclass(frozen=True, slots=True)
class NotificationsPage:
    """The page.

    Attributes:
        about: the name of the schedule that it is narrowed to; `everything` leads back.
        read_all: None where nothing is new.
    """

    title: str
    status: str
    views: tuple[Link, ...]
    about: str
    everything: str
    days: tuple[Day, ...]
    empty: Empty | None
    pager: Pager
    read_all: Button | None
    unmute: Button | None
    unsent: tuple[RouteFailed, ...]


def page_of(asked: Asked, found: Shown, when: When) -> NotificationsPage:
    """Return the page."""
    bell = bell_of(found.unread)
    new = bell.words
    here = asked.href(cursor=asked.cursor)
    items = found.page.items
    days = groupby(items, key=lambda one: one.at.astimezone(when.zone).date())
    about = found.schedules.get(asked.schedule_id, "")
    return NotificationsPage(
        title=f"{new} · Notifications" if new else "Notifications",
        status=f"{new[0].upper()}{new[1:]} · times in {when.zone.key}" if new else f"Times in {when.zone.key}",
        views=(
            Link(Asked(schedule_id=asked.schedule_id).href(), "All", current=not asked.unread),
            Link(Asked(True, asked.schedule_id).href(), "New", current=asked.unread, count=bell.count),
        ),
        about=about,
        everything=Asked(asked.unread).href(),
        days=tuple(_day(day, list(some), found, when, here) for day, some in days),
        empty=None if items else _empty(asked, found),
        pager=Pager(
            first=asked.href() if asked.cursor else "",
            next=asked.href(cursor=found.page.next_cursor) if found.page.next_cursor else "",
        ),
        read_all=_read_all(asked, items, here) if found.unread else None,
        unmute=unmute(asked.schedule_id, here) if asked.schedule_id in found.muted else None,
        unsent=tuple(_failed(one, when) for one in found.unsent),
    )


def _failed(one: Unsent, when: When) -> RouteFailed:
    route = f"by mail to {one.target}" if one.route is Route.MAIL else "by the operators' webhook"
    what = "An alert" if one.count == 1 else f"{one.count} alerts"
    at = when.moment(one.latest, short=True).text
    told = (
        f"{what} could not be sent {route}{', the last one' if one.count > 1 else ''} at {at}. What it said is below."
    )
    return RouteFailed(told, one.why)


def latest_of(found: Shown, when: When) -> tuple[Item, ...]:
    """Return what the list below the bell shows."""
    return tuple(item_of(one, found, when, HOME, short=False) for one in found.page.items)


def _read_all(asked: Asked, items: Sequence[NotificationView], here: str) -> Button | None:
    # What comes in after the page was made is not read yet. On a later page, the newest stand on the first.
    until = {"until": items[0].at.isoformat()} if items and not asked.cursor else {}
    about = {"schedule": asked.schedule_id} if asked.schedule_id else {}
    return Button(f"{HOME}/read", "Mark all as read", {**until, **about, "back": here}, icon="list-checks")


def _day(day: date, some: Sequence[NotificationView], found: Shown, when: When, here: str) -> Day:
    today = when.now.astimezone(when.zone).date()
    named = {today: "Today, ", today - timedelta(days=1): "Yesterday, "}.get(day, "")
    items = tuple(item_of(one, found, when, here, short=True) for one in some)
    return Day(id=f"day-{day.isoformat()}", heading=f"{named}{when.day(day, short=True)}", items=items)


def _empty(asked: Asked, found: Shown) -> Empty:
    if asked.cursor:
        return Empty("Nothing earlier", "This was all.", (Link(asked.href(), "First page", icon="arrow-left"),))
    if asked.schedule_id:
        return Empty(
            "Nothing about this schedule",
            "Nothing that you were told is about it.",
            (Link(Asked(asked.unread).href(), "Show all", icon="bell"),),
        )
    if asked.unread and not found.unread:
        return Empty("Nothing new", "You have read all of it.", (Link(HOME, "Show all", icon="bell"),))
    return Empty(
        "Nothing to tell you",
        "When a run of yours fails or is missed, or somebody else changes one of your schedules, it is told here.",
        (Link("/me#alerts", "Choose what you are told", icon="settings"),),
    )
