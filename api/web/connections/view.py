"""Make what the list of connections shows from what the service answers. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from api.actions.connections.views import ConnectionView
from api.web import refusals, words
from api.web.parts import Chip, Empty, Link, Moment
from api.web.when import When
from mailroom.connections.kinds import is_channel
from mailroom.states import BreakerState

OLD_SECRET = timedelta(days=90)
"""A secret of this age is to be changed."""
NOT_CHECKED = Chip("Not checked", "circle-dashed", "off")
WORKS = Chip("Works", "circle-check", "ok")
FAILS = Chip("Does not work", "circle-x", "bad")
WHAT = (
    "A connection is a place that reports go to, such as a mail server or a folder, or that their data come from: its "
    "address, its login and its limits."
)


@dataclass(frozen=True, slots=True)
class Secret:
    """The age of a connection's secrets in words; `is_old` where they are to be changed, `since` where it is known."""

    words: str
    since: Moment | None = None
    is_old: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """A connection in the list."""

    name: str
    href: str
    kind: str
    icon: str
    description: str
    sends_as: str
    state: Chip
    said: str
    checked: Moment | None
    secret: Secret
    used_by: str


@dataclass(frozen=True, slots=True)
class Group:
    """The connections of one use, such as those that deliver."""

    id: str
    heading: str
    delivers: bool
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """The list.

    Attributes:
        wrong: how many do not work, for the title; empty if none.
        no_senders: whether Prefect did not answer, so that nobody knows as whom they send.
    """

    groups: tuple[Group, ...]
    status: str
    wrong: str
    may_create: bool
    no_senders: bool
    empty: Empty | None = None

    @property
    def title(self) -> str:
        """Return the title of the page."""
        return f"{self.wrong} · Connections" if self.wrong else "Connections"


def page(found: Iterable[ConnectionView], when: When, *, may_create: bool) -> Page:
    """Return the list of connections: those that deliver, and those that reports read from."""
    views = list(found)
    rows = [(view, row(view, when)) for view in views]
    channels = tuple(one for view, one in rows if is_channel(view.kind))
    sources = tuple(one for view, one in rows if not is_channel(view.kind))
    groups = (
        Group("channels", "Where reports go", True, channels),
        Group("sources", "Where their data come from", False, sources),
    )
    wrong = sum(one.state.tone == "bad" for _, one in rows)
    return Page(
        groups=tuple(group for group in groups if group.rows),
        status=f"{words.count(len(rows), 'connection')} · times in {when.zone.key}",
        wrong=f"{wrong} not working" if wrong else "",
        may_create=may_create,
        no_senders=any(is_channel(view.kind) and view.sends_as is None for view in views),
        empty=None if rows else _empty(may_create=may_create),
    )


def row(view: ConnectionView, when: When) -> Row:
    """Return one connection as a row."""
    return Row(
        name=view.name,
        href=f"/connections/{view.name}",
        kind=words.kind_words(view.kind),
        icon=words.kind_icon(view.kind),
        description=refusals.for_pages(view.description),
        sends_as=view.sends_as or "",
        state=state(view),
        said=(view.last_check_message or "") if view.last_check_ok is False else "",
        checked=when.moment(view.last_check_at, short=True, relative=True) if view.last_check_at else None,
        secret=secret(view.secret_changed_at, when),
        used_by=when.number(view.used_by) if view.used_by is not None else "–",
    )


def state(view: ConnectionView) -> Chip:
    """Return how a connection stands: by its breaker where that is not closed, else by its last check."""
    if view.breaker is not None and view.breaker.state is not BreakerState.CLOSED:
        return words.BREAKERS[view.breaker.state]
    if view.last_check_ok is None:
        return NOT_CHECKED
    return WORKS if view.last_check_ok else FAILS


def secret(since: datetime | None, when: When) -> Secret:
    """Return the age of secrets; one of 90 days or more is old."""
    if since is None:
        return Secret("–")
    age = when.now - since
    days = age // timedelta(days=1)
    told = "today" if days == 0 else words.count(days, "day")
    return Secret(told, when.moment(since), age >= OLD_SECRET)


def _empty(*, may_create: bool) -> Empty:
    if may_create:
        steps = (Link("/connections/new", "New connection", icon="plus"),)
        return Empty("No connections yet", f"{WHAT} Begin with the mail server.", steps)
    return Empty("No connections for you yet", f"{WHAT} Admins make them, and say who may use each. Ask an admin.")
