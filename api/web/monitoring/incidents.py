"""Make an incident of what is told of it: a card of the list, and the facts of its page. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from api.actions.incidents.views import AlertView, IncidentDetail, IncidentView
from api.web import words
from api.web.parts import Button, Chip, Link, Menu, Moment
from api.web.refusals import for_pages
from api.web.when import When
from mailroom.alerts.spec import AlertState
from mailroom.incidents.spec import Level, Stage
from mailroom.notifications.kinds import Route

HOME = "/monitoring"
MUTES = {
    "hours": ("for 4 hours", timedelta(hours=4)),
    "day": ("for a day", timedelta(days=1)),
    "week": ("for a week", timedelta(days=7)),
}
"""The choices of how long an incident is muted, by their values in the form."""
USUAL_MUTE = "day"
LEVELS = {Level.OWNER: "its owner", Level.TEAM: "its owner's team", Level.OPERATOR: "the operators"}
STAGES = {Stage.OPENED: "It began", Stage.ESCALATED: "It was passed on", Stage.RESOLVED: "It is over"}
ROUTES = {Route.MAIL: "by mail", Route.WEBHOOK: "by request", Route.IN_APP: "within Mailroom"}
ALERTS = {
    AlertState.PENDING: Chip("Waiting", "clock", "off"),
    AlertState.SENT: Chip("Sent", "circle-check", "ok"),
    AlertState.FAILED: Chip("Failed", "circle-x", "bad"),
    AlertState.WITHDRAWN: Chip("Not needed any more", "circle-minus", "off"),
}
OVER = Chip("Over", "circle-check", "ok")
_ELSE = "Whoever runs Mailroom has to look at it."


@dataclass(frozen=True, slots=True)
class Handling:
    """The buttons of an incident; None for one that is of no use, such as since it was pressed already."""

    acknowledge: Button | None = None
    mute: Menu | None = None
    unmute: Button | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """An incident of the list; `taken` says who takes care of it and until when it is muted."""

    id: str
    href: str
    chip: Chip
    title: str
    what: str
    since: Moment
    concerns: str
    taken: str
    handling: Handling


@dataclass(frozen=True, slots=True)
class Told:
    """An alert about an incident: what it told, to whom, by what, and how that ended."""

    stage: str
    to: str
    route: str
    chip: Chip
    at: Moment
    error: str


@dataclass(frozen=True, slots=True)
class IncidentPage:
    """The page of an incident. `others` is how many schedules it concerns besides those that are named."""

    item: Item
    is_over: bool
    over: str
    todo: tuple[str, ...]
    seen: Moment
    ended: Moment | None
    reached: str
    next_level: Moment | None
    schedules: tuple[Link, ...]
    others: str
    run: Link | None
    cause: Link | None
    alerts: tuple[Told, ...]


def item_of(one: IncidentView, when: When, back: str, *, may_handle: bool) -> Item:
    """Return an incident as the list shows it.

    Args:
        back: the address that its buttons lead back to.
    """
    return Item(
        id=one.id,
        href=f"{HOME}/incidents/{one.id}",
        chip=OVER if one.resolved_at else words.SEVERITIES[one.severity],
        title=one.title,
        what=for_pages(one.what) or one.title,
        since=when.moment(one.opened_at, short=True, relative=True),
        concerns=words.count(one.schedule_count, "schedule") if one.schedule_count else "",
        taken=_taken(one, when),
        handling=_handling(one, when, back) if may_handle and one.resolved_at is None else Handling(),
    )


def _taken(one: IncidentView, when: When) -> str:
    found = []
    if one.acknowledged_at is not None:
        at = when.moment(one.acknowledged_at, short=True).text
        found.append(f"Acknowledged by {one.acknowledged_by or 'somebody'}, {at}")
    if one.muted_until is not None and one.muted_until > when.now and one.resolved_at is None:
        found.append(f"Muted until {when.moment(one.muted_until, short=True).text}")
    return " · ".join(found)


def _handling(one: IncidentView, when: When, back: str) -> Handling:
    path, given = f"{HOME}/incidents/{one.id}", {"back": back}
    muted = one.muted_until is not None and one.muted_until > when.now
    mutes = tuple(
        Button(f"{path}/mute", f"Mute {told}", {"for": value, **given}, icon="bell-off")
        for value, (told, _) in MUTES.items()
    )
    return Handling(
        Button(f"{path}/acknowledge", "Acknowledge", given, icon="check") if one.acknowledged_at is None else None,
        None if muted else Menu(f"mute-{one.id}", f"Mute {one.title}", mutes),
        Button(f"{path}/unmute", "Tell again", given, icon="bell") if muted else None,
    )


def page_of(one: IncidentDetail, when: When, *, may_handle: bool) -> IncidentPage:
    """Return the page of an incident."""
    item = item_of(one, when, f"{HOME}/incidents/{one.id}", may_handle=may_handle)
    todo = tuple(text for said in one.to_do if (text := for_pages(said)))
    others = one.schedule_count - len(one.schedules)
    return IncidentPage(
        item=item,
        is_over=one.resolved_at is not None,
        over=one.over,
        todo=todo or ((_ELSE,) if one.to_do else ()),
        seen=when.moment(one.last_seen_at, short=True, relative=True),
        ended=when.moment(one.resolved_at, short=True, relative=True) if one.resolved_at else None,
        reached=LEVELS[one.level],
        next_level=when.moment(one.next_level_at, short=True) if one.next_level_at else None,
        schedules=tuple(Link(f"/schedules/{row.id}", row.name) for row in one.schedules),
        others=words.count(others, "other schedule") if others > 0 else "",
        run=Link(f"/executions/{one.execution_id}", "Look at the run") if one.execution_id else None,
        cause=Link(f"{HOME}/incidents/{one.merged_into}", "It follows from another incident")
        if one.merged_into
        else None,
        alerts=tuple(_told(alert, when) for alert in one.alerts),
    )


def _told(one: AlertView, when: When) -> Told:
    route = Route(one.route)
    # Within Mailroom the target is the id of a user, and of a request it is a fixed word.
    to = {Route.MAIL: one.target or "Somebody else", Route.WEBHOOK: "The operators", Route.IN_APP: "A user"}[route]
    return Told(
        stage=STAGES[one.stage],
        to=to,
        route=ROUTES[route],
        chip=ALERTS[AlertState(one.state)],
        at=when.moment(one.sent_at or one.created_at, short=True),
        error=for_pages(one.error),
    )
