"""Make one notification of the page. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode

from api.actions.notifications.shown import Shown
from api.actions.notifications.views import NotificationView
from api.web.notifications.kinds import KINDS
from api.web.notifications.links import link_of
from api.web.parts import Button, Chip, Link, Menu, Moment, Tone
from api.web.when import When
from mailroom.notifications.kinds import kind_of

HOME = "/notifications"
_LOOKS: dict[str, tuple[str, Tone]] = {
    "error": ("circle-x", "bad"),
    "warning": ("triangle-alert", "warn"),
    "info": ("info", "run"),
}
_OTHER: tuple[str, Tone] = ("info", "off")
MUTES = {"day": ("for a day", timedelta(days=1)), "week": ("for a week", timedelta(days=7)), "": ("for good", None)}
"""The choices of how long a schedule is muted, by their values in the form."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The choice of notifications that the page's address asks for."""

    unread: bool = False
    schedule_id: str = ""
    cursor: str = ""

    def href(self, *, cursor: str = "") -> str:
        """Return the address of this choice."""
        given = {"unread": "1" if self.unread else "", "schedule": self.schedule_id, "cursor": cursor}
        query = urlencode({name: value for name, value in given.items() if value})
        return f"{HOME}?{query}" if query else HOME


@dataclass(frozen=True, slots=True)
class Item:
    """A notification.

    Attributes:
        at: the time of the day; the day stands above.
        link: where it leads, if there is anything to look at.
        mute: how long to be silent about its schedule; `unmute` ends that. Both are None where it is about none.
    """

    id: str
    chip: Chip
    title: str
    body: str
    at: Moment
    unread: bool
    link: Link | None
    mark: Button
    mute: Menu | None
    unmute: Button | None


def item_of(one: NotificationView, found: Shown, when: When, here: str, *, short: bool) -> Item:
    """Return a notification as the page shows it.

    Args:
        here: the address of the page, to which its buttons lead back.
        short: whether the day stands above it.
    """
    icon, tone = _LOOKS.get(one.severity, _OTHER)
    unread, known = one.read_at is None, one.schedule_id if one.schedule_id in found.schedules else None
    moment = when.moment(one.at, short=True, relative=not short)
    at = Moment(iso=moment.iso, text=when.time(one.at)) if short else moment
    kind = kind_of(one.kind)
    action, words, mark_icon = ("read", "Mark as read", "check") if unread else ("unread", "Mark as new", "mail")
    back = f"{here}#n-{one.id}"
    return Item(
        id=one.id,
        chip=Chip(KINDS[kind].name, icon, tone),
        title=one.title,
        body=one.body,
        at=at,
        unread=unread,
        link=link_of(one, kind, known=known is not None),
        mark=Button(f"{HOME}/{one.id}/{action}", words, {"back": back}, icon=mark_icon),
        mute=_mute(one, known, back) if known and known not in found.muted else None,
        unmute=unmute(known, back) if known and known in found.muted else None,
    )


def _mute(one: NotificationView, schedule_id: str, back: str) -> Menu:
    buttons = []
    for value, (words, _) in MUTES.items():
        given = {"schedule": schedule_id, "for": value, "back": back}
        buttons.append(Button(f"{HOME}/mutes", f"Mute this schedule {words}", given, icon="bell-off"))
    everything = Link(Asked(schedule_id=schedule_id).href(), "All about this schedule", icon="history")
    return Menu(f"menu-{one.id}", f"More about {one.title}", (*buttons, everything))


def unmute(schedule_id: str, back: str) -> Button:
    """Return the button that ends the silence about a schedule."""
    return Button(f"{HOME}/mutes/{schedule_id}/end", "Tell me again", {"back": back}, icon="bell")
