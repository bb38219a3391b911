"""Decide who is told of an incident and by which routes, and who in place of a route that could not send. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mailroom.alerts.spec import ON_THE_WAY, OPERATORS, AlertState, Target
from mailroom.incidents.escalation import ORDER
from mailroom.incidents.spec import Level
from mailroom.notifications.kinds import Route
from mailroom.notifications.wants import wants


@dataclass(frozen=True, slots=True)
class Person:
    """A user who may be told.

    Attributes:
        can_read: whether it is a person who can log in.
        is_muted: whether the user wants to hear nothing of the only schedule that the incident is about.
    """

    id: str
    email: str
    can_read: bool = True
    is_muted: bool = False
    preferences: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Team:
    """The team of an owner; `address` is the one that the settings give it, or empty."""

    members: tuple[Person, ...]
    address: str = ""


@dataclass(frozen=True, slots=True)
class People:
    """Everybody who may be told of one incident.

    Attributes:
        owners: the users whom it concerns.
        teams: their teams.
        operator_mail: the addresses of operators; `has_webhook`: whether they get requests.
        admins: whoever is told where operators have set no route.
    """

    owners: tuple[Person, ...] = ()
    teams: tuple[Team, ...] = ()
    operator_mail: tuple[str, ...] = ()
    has_webhook: bool = False
    admins: tuple[Person, ...] = ()


def first_targets(
    level: Level, people: People, kind: str, told: Collection[tuple[Route, str]]
) -> tuple[Level, list[Target]]:
    """Return who is told now, and the level at which they were found.

    Nobody is told twice of one incident by a route. Where nobody at a level can be told, or all who can are told
    already, the incident goes on to the next level at once. An owner who wants no alert of this kind has chosen so, and
    no other is told in place of that owner until the incident escalates.

    Args:
        told: what has been sent, or will be, of this incident before.
    """
    for one in ORDER[ORDER.index(level) :]:
        wanted = _of_level(one, people, kind)
        fresh = [target for target in wanted if target.key not in told]
        if fresh or (one is Level.OWNER and any(owner.can_read for owner in people.owners)):
            return one, fresh
    return Level.OPERATOR, []


def in_place_of(
    failed: Target, level: Level, people: People, known: Mapping[tuple[Route, str], AlertState]
) -> list[Target]:
    """Return who is told by the next route, since a route could not send. Empty: all of them are told otherwise.

    A mail to a user is followed by a notification in the application, one to a team by such a notification to each
    member, one to operators by the request; and where operators can be told by neither, all admins get a notification.

    Args:
        known: the alerts of the same incident and stage.
    """
    if failed.route is Route.IN_APP:
        return []
    if failed.user_id is not None:
        return _unless_known([_in_app(failed.user_id)], known)
    if level is Level.TEAM:
        members = [member for team in people.teams if team.address == failed.address for member in team.members]
        return _unless_known(_in_app_of(members), known)
    if failed.route is Route.MAIL and people.has_webhook:
        state = known.get((Route.WEBHOOK, OPERATORS))
        if state is None:
            return [Target(Route.WEBHOOK, OPERATORS)]
        if state in ON_THE_WAY:
            return []
    elif any(known.get((Route.MAIL, address)) in ON_THE_WAY for address in people.operator_mail):
        return []
    return _unless_known(_in_app_of(people.admins), known)


def _of_level(level: Level, people: People, kind: str) -> list[Target]:
    match level:
        case Level.OWNER:
            found = [target for owner in people.owners for target in _wanted(owner, kind)]
        case Level.TEAM:
            found = [target for team in people.teams for target in _of_team(team, kind)]
        case Level.OPERATOR:
            found = [Target(Route.MAIL, address) for address in people.operator_mail]
            found += [Target(Route.WEBHOOK, OPERATORS)] if people.has_webhook else []
            found = found or _of_admins(people.admins, kind)
    return list({target.key: target for target in found}.values())


def _of_team(team: Team, kind: str) -> list[Target]:
    if team.address:
        return [Target(Route.MAIL, team.address)]
    return [target for member in team.members for target in _wanted(member, kind)]


def _of_admins(admins: Sequence[Person], kind: str) -> list[Target]:
    """Return a notification to each admin who wants it; to all of them where none does, as nobody else is left."""
    willing = [admin for admin in admins if wants(admin.preferences, kind, Route.IN_APP)]
    return _in_app_of(willing or admins)


def _wanted(person: Person, kind: str) -> list[Target]:
    if not person.can_read or person.is_muted:
        return []
    found = [_in_app(person.id)] if wants(person.preferences, kind, Route.IN_APP) else []
    if person.email and wants(person.preferences, kind, Route.MAIL):
        found.append(Target(Route.MAIL, person.email, person.id))
    return found


def _in_app(user_id: str) -> Target:
    return Target(Route.IN_APP, user_id, user_id)


def _in_app_of(people: Iterable[Person]) -> list[Target]:
    return [_in_app(person.id) for person in people if person.can_read]


def _unless_known(targets: Iterable[Target], known: Mapping[tuple[Route, str], AlertState]) -> list[Target]:
    return [target for target in targets if target.key not in known]
