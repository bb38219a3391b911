"""Make the part of one's own settings that says what one is told, and by which route. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from api.actions.notifications.views import MuteView
from api.web.forms import Form
from api.web.notifications.item import unmute
from api.web.notifications.kinds import GROUPS, KINDS
from api.web.parts import Button, Link, Moment
from api.web.when import When
from mailroom.members.own_preferences import Alerts, ChosenRoute, choosable
from mailroom.notifications.kinds import OPERATORS, Kind, Route
from mailroom.notifications.wants import wants

ROUTES: Mapping[ChosenRoute, str] = {"in_app": "Here", "mail": "By mail"}
HERE = "/me#alerts"


@dataclass(frozen=True, slots=True)
class Tick:
    """A tick box of the table; `name` is empty where the kind does not go by the route."""

    route: str
    name: str
    label: str
    ticked: bool


@dataclass(frozen=True, slots=True)
class Row:
    """A kind with its tick boxes, in the order of `ROUTES`."""

    words: str
    ticks: tuple[Tick, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """Kinds that belong together."""

    id: str
    name: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Mute:
    """A schedule that is muted; `until` is None for one that is muted for good."""

    schedule: Link
    until: Moment | None
    end: Button


@dataclass(frozen=True, slots=True)
class AlertsPart:
    """The part of the page."""

    routes: tuple[str, ...]
    groups: tuple[Group, ...]
    mutes: tuple[Mute, ...]


def part_of(preferences: Mapping[str, Any], mutes: Sequence[MuteView], when: When, *, operator: bool) -> AlertsPart:
    """Return the part of the page; only operators choose among what concerns the installation."""
    groups = ((name, _offered(kinds, operator)) for name, kinds in GROUPS.items())
    return AlertsPart(
        routes=tuple(ROUTES.values()),
        groups=tuple(
            Group(f"alerts-{number}", name, tuple(_row(kind, preferences) for kind in kinds))
            for number, (name, kinds) in enumerate(groups)
            if kinds
        ),
        mutes=tuple(_mute(one, when) for one in mutes),
    )


def chosen(form: Form, preferences: Mapping[str, Any], *, operator: bool) -> Alerts:
    """Return what a sent form changes. A tick box that is not ticked is not sent."""
    changed: Alerts = {}
    for kinds in GROUPS.values():
        for kind in _offered(kinds, operator):
            for route in choosable(kind):
                ticked = form.has(_name(kind, route))
                if ticked != wants(preferences, kind, Route(route)):
                    changed.setdefault(kind, {})[route] = ticked
    return changed


def _offered(kinds: Sequence[Kind], operator: bool) -> list[Kind]:
    return [kind for kind in kinds if operator or kind not in OPERATORS]


def _name(kind: Kind, route: str) -> str:
    return f"alerts-{kind}-{route}"


def _row(kind: Kind, preferences: Mapping[str, Any]) -> Row:
    words = KINDS[kind].when
    return Row(words, tuple(_tick(kind, words, route, preferences) for route in get_args(ChosenRoute)))


def _tick(kind: Kind, words: str, route: ChosenRoute, preferences: Mapping[str, Any]) -> Tick:
    name = _name(kind, route) if route in choosable(kind) else ""
    return Tick(ROUTES[route], name, f"{words}: {ROUTES[route].lower()}", wants(preferences, kind, Route(route)))


def _mute(one: MuteView, when: When) -> Mute:
    until = when.moment(one.until, short=True, relative=True) if one.until else None
    return Mute(Link(f"/schedules/{one.schedule_id}", one.schedule_name), until, unmute(one.schedule_id, HERE))
