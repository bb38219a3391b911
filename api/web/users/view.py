"""Make the pages of users. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from api.actions.teams.views import TeamView
from api.actions.users.overview import Member, PageOfMembers
from api.actions.users.views import UserView
from api.web import words
from api.web.choices.zones import zone_options
from api.web.parts import Chip, Field, Moment, Option, Pager, SummaryRow
from api.web.when import When
from mailroom.access.permissions import GRANTABLE
from mailroom.roles import Role
from mailroom.states import ScheduleState

HOME = "/settings/users"
Errors = Mapping[str, tuple[str, ...]]
FILTERS = ("search", "role", "team", "state")
ROLES = {
    Role.VIEWER: "sees what is shared, and makes nothing",
    Role.CREATOR: "makes schedules of their own",
    Role.ADMIN: "sees and changes everything",
}
_GRANTS = {"report.define_sql": "Define SQL reports", "report.define_shell": "Define reports that run programs"}
_ACTIVE, _DISABLED = Chip("Active", "user-check", "ok"), Chip("Disabled", "user-x", "off")


@dataclass(frozen=True, slots=True)
class Row:
    """A user in the list."""

    href: str
    name: str
    email: str
    role: str
    team: str
    owns: str
    schedules_href: str
    last_log_in: Moment | None
    state: Chip
    is_service: bool


@dataclass(frozen=True, slots=True)
class UsersPage:
    """The list; `filtered` tells whether it was narrowed."""

    fields: tuple[Field, ...]
    rows: tuple[Row, ...]
    pager: Pager
    filtered: bool


def list_of(query: Mapping[str, str], found: PageOfMembers, teams: Sequence[TeamView], when: When) -> UsersPage:
    """Return the list of users."""
    kept = {name: query[name] for name in FILTERS if query.get(name)}
    names = {team.id: team.name for team in teams}
    more = f"{HOME}?{urlencode({**kept, 'cursor': found.next_cursor})}" if found.next_cursor else ""
    first = HOME + (f"?{urlencode(kept)}" if kept else "")
    return UsersPage(
        fields=_filters(kept, teams),
        rows=tuple(_row(one, names, when) for one in found.items),
        pager=Pager(first if query.get("cursor") else "", more, words.count(len(found.items), "user")),
        filtered=bool(kept),
    )


def _filters(kept: Mapping[str, str], teams: Sequence[TeamView]) -> tuple[Field, ...]:
    any_role = (Option("", "Any"), *(Option(role, words.ROLES[role]) for role in Role))
    any_team = (Option("", "Any"), *(Option(team.id, team.name) for team in teams))
    states = (Option("", "All"), Option("active", "Active"), Option("disabled", "Disabled"))
    found = [
        Field("search", "Name or address", "search", kept.get("search", "")),
        Field("role", "Role", "select", kept.get("role", ""), any_role),
        Field("state", "State", "select", kept.get("state", ""), states),
    ]
    if teams:
        found.insert(2, Field("team", "Team", "select", kept.get("team", ""), any_team))
    return tuple(found)


def _row(one: Member, teams: Mapping[str, str], when: When) -> Row:
    user = one.user
    return Row(
        href=href(user.id),
        name=user.name or user.email,
        email=user.email,
        role=words.ROLES[user.role],
        team=teams.get(user.team or "", ""),
        owns=words.count(one.owns, "schedule") if one.owns else "none",
        schedules_href=f"/schedules?owner={quote(user.id)}" if one.owns else "",
        last_log_in=when.moment(one.last_log_in, relative=True, short=True) if one.last_log_in else None,
        state=state_chip(user),
        is_service=user.is_service,
    )


def href(user_id: str, *more: str) -> str:
    """Return the address of the page of a user, or of one below it."""
    return "/".join((HOME, quote(user_id, safe=""), *more))


def state_chip(user: UserView) -> Chip:
    """Return whether a user can log in."""
    return _ACTIVE if user.is_active else _DISABLED


def summary_of(one: Member, team: str, when: When) -> tuple[SummaryRow, ...]:
    """Return what is known of a user."""
    user = one.user
    rows = [
        SummaryRow("E-mail address", (user.email,)),
        SummaryRow("Role", (f"{words.ROLES[user.role]}: {ROLES[user.role]}",)),
        SummaryRow("Team", (team or "none",)),
        SummaryRow("Time zone", (user.timezone,)),
        SummaryRow("Schedules", (_owned_words(one),), f"/schedules?owner={quote(user.id)}" if one.owns else "", "See"),
        SummaryRow("Last log-in", (when.moment(one.last_log_in).text if one.last_log_in else "none on record",)),
    ]
    if user.is_service:
        rows.append(SummaryRow("Kind", ("A service account, which only uses keys",)))
    if user.external_id:
        rows.append(SummaryRow("Id in your product", (user.external_id,)))
    if user.grants:
        rows.append(SummaryRow("May besides", tuple(_GRANTS.get(one, one) for one in user.grants)))
    return tuple(rows)


def _owned_words(one: Member) -> str:
    if not one.owns:
        return "none"
    parts = [f"{number:,} {words.SCHEDULES[state].words.lower()}" for state, number in sorted(one.schedules.items())]
    return f"{one.owns:,}: {', '.join(parts)}"


def blank(timezone: str) -> dict[str, Any]:
    """Return what the form of a new user begins with."""
    return {"role": "creator", "timezone": timezone}


def form_of(
    values: Mapping[str, Any], teams: Sequence[TeamView], when: When, errors: Errors | None = None
) -> tuple[Field, ...]:
    """Return the fields of a user, with what is chosen and what is wrong with it."""
    wrong = errors or {}

    def text(name: str) -> str:
        return str(values.get(name) or "")

    def told(name: str) -> tuple[str, ...]:
        return wrong.get(name, ())

    roles = tuple(Option(role, words.ROLES[role], ROLES[role].capitalize()) for role in Role)
    every_team = (Option("", "No team"), *(Option(team.id, team.name) for team in teams))
    grants = tuple(Option(str(one), _GRANTS.get(one, str(one))) for one in GRANTABLE)
    chosen_zone = text("timezone") or "UTC"
    found = [
        Field("name", "Name", value=text("name"), errors=told("name"), attributes={"maxlength": "200"}),
        Field("email", "E-mail address", "email", text("email"), errors=told("email"), attributes={"maxlength": "320"}),
        Field("role", "Role", "radios", text("role"), roles, errors=told("role")),
        Field("timezone", "Time zone", "select", chosen_zone, zone_options(chosen_zone, (), when.now)),
        Field(
            "external_id",
            "Id in your product",
            value=text("external_id"),
            hint="By which another product names this user.",
            errors=told("external_id"),
            optional=True,
            attributes={"maxlength": "200"},
        ),
        Field(
            "grants-",
            "May besides",
            "checkboxes",
            tuple(str(one) for one in values.get("grants") or ()),
            grants,
            errors=told("grants"),
            optional=True,
        ),
        Field(
            "is_service",
            "This is a service account: it uses keys, and never logs in with a browser",
            "checkbox",
            "on" if values.get("is_service") else "",
        ),
    ]
    if teams:
        found.insert(3, Field("team", "Team", "select", text("team"), every_team, errors=told("team")))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class LeavingPage:
    """The page that asks what becomes of the schedules of a user who is disabled."""

    heading: str
    owned: str
    choice: Field | None
    to: Field | None
    more: bool
    find: str


def leaving_of(
    one: Member, candidates: Sequence[UserView], *, more: bool, find: str, errors: Errors, what: str = "", to: str = ""
) -> LeavingPage:
    """Return the page.

    Args:
        candidates: who may get the schedules; `more` tells that there are others, `find` what they were searched by.
    """
    name = one.user.name or one.user.email
    running = one.schedules.get(ScheduleState.ACTIVE, 0)
    if not one.owns:
        return LeavingPage(f"Disable {name}?", "", None, None, more=False, find="")
    suspends = f"Suspend them: {words.count(running, 'active schedule')} will send nothing until somebody else has them"
    options = tuple(
        Option(user.id, f"{user.name} ({user.email})" if user.name else user.email)
        for user in candidates
        if user.id != one.user.id and user.role is not Role.VIEWER
    )
    choices = (
        Option("hand_over", "Hand them over first", "They go on as they are, for the new owner."),
        Option("suspend", suspends),
    )
    return LeavingPage(
        heading=f"Disable {name}?",
        owned=_owned_words(one),
        choice=Field(
            "what", f"What becomes of {words.count(one.owns, 'schedule')}?", "radios", what or "hand_over", choices
        ),
        to=Field(
            "to", "New owner", "select", to, (Option("", "Choose somebody"), *options), errors=errors.get("to", ())
        ),
        more=more,
        find=find,
    )
