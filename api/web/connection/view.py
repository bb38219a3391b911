"""Make what the page of one connection shows. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from api.actions.connections.views import ConnectionKind, ConnectionView, UsesView
from api.actions.sharing.granted import Granted
from api.web import refusals, words
from api.web.connection.form import fields_in
from api.web.connections.view import Secret, secret, state
from api.web.fields.build import FieldGroup, build
from api.web.parts import Chip, Field, Link, Moment, Option, SummaryRow
from api.web.when import When
from mailroom.connections.kinds import is_channel
from mailroom.errors import Invalid
from mailroom.roles import Role
from mailroom.states import BreakerState

_SENDS = {"email": "sends as", "folder": "writes to", "s3": "sends as", "azure": "sends as", "gcs": "sends as"}
_ROLES = {
    Role.CREATOR: Option("creator", "Everybody who may create schedules"),
}


@dataclass(frozen=True, slots=True)
class Rights:
    """Hold what the visitor may do with the connection."""

    change: bool
    delete: bool
    check: bool
    test: bool
    grant: bool
    uses: bool


@dataclass(frozen=True, slots=True)
class Broken:
    """A breaker that is not closed: what happened, since when, and what happens next."""

    heading: str
    reason: str
    since: Moment | None
    next_try: Moment | None
    then: str


@dataclass(frozen=True, slots=True)
class User:
    """A schedule or report that uses the connection."""

    link: Link
    chip: Chip | None = None


@dataclass(frozen=True, slots=True)
class Uses:
    """Hold who uses the connection; `more` counts in words those that the visitor may not see, or that are too many."""

    schedules: tuple[User, ...]
    reports: tuple[User, ...]
    more: str

    @property
    def none(self) -> bool:
        """Return whether nothing uses it."""
        return not (self.schedules or self.reports or self.more)


@dataclass(frozen=True, slots=True)
class Grants:
    """The form of who may use the connection."""

    roles: Field
    teams: Field | None
    users: Field


@dataclass(frozen=True, slots=True)
class Page:
    """The page of one connection."""

    name: str
    href: str
    kind: str
    icon: str
    description: str
    sends_as: str
    delivers: bool
    state: Chip
    checked: Moment | None
    said: str
    secret: Secret
    rights: Rights
    broken: Broken | None
    settings: tuple[SummaryRow, ...]
    uses: Uses | None
    grants: Grants | None
    test_to: Field | None
    can_test: bool


def page(
    view: ConnectionView,
    when: When,
    rights: Rights,
    *,
    kind: ConnectionKind | None = None,
    settings: Mapping[str, Any] | None = None,
    used: UsesView | None = None,
    granted: Grants | None = None,
    test_to: Field | None = None,
    can_test: bool = False,
) -> Page:
    """Return the page of a connection.

    Args:
        settings: as they are shown to those who may read them; with their `kind`.
    """
    told = secret(view.secret_changed_at, when)
    return Page(
        name=view.name,
        href=f"/connections/{view.name}",
        kind=words.kind_words(view.kind),
        icon=words.kind_icon(view.kind),
        description=refusals.for_pages(view.description),
        sends_as=f"{_SENDS.get(view.kind, 'logs in as')} {view.sends_as}" if view.sends_as else "",
        delivers=is_channel(view.kind),
        state=state(view),
        checked=when.moment(view.last_check_at, relative=True) if view.last_check_at else None,
        said=view.last_check_message or "",
        secret=told,
        rights=rights,
        broken=broken(view, when),
        settings=summary(kind, settings, told) if kind is not None and settings is not None else (),
        uses=uses(used) if used is not None else None,
        grants=granted,
        test_to=test_to,
        can_test=can_test,
    )


def broken(view: ConnectionView, when: When) -> Broken | None:
    """Return what the breaker says, None while it is closed."""
    found = view.breaker
    if found is None or found.state is BreakerState.CLOSED:
        return None
    since = when.moment(found.since, relative=True) if found.since else None
    probe = when.moment(found.next_probe_at, relative=True) if found.next_probe_at else None
    match found.state:
        case BreakerState.OPEN:
            heading, then = "Nothing goes through it now", "What is due waits, and goes on by itself once it works."
        case BreakerState.HALF_OPEN:
            heading, then = "It is being tried again", "One delivery after the other goes through until it works."
            probe = None
        case _:
            heading = "It is switched off"
            then = "What is due waits until somebody mends it and switches it on again."
            probe = None
    return Broken(heading, found.reason, since, probe, then)


def uses(found: UsesView) -> Uses:
    """Return who uses the connection."""
    schedules = tuple(
        User(Link(f"/schedules/{one.id}", one.name), words.schedule_chip(one.state) if one.state else None)
        for one in found.schedules
    )
    reports = tuple(User(Link(f"/reports/{one.id}", one.name)) for one in found.reports)
    counted = ((found.more_schedules, "schedule"), (found.more_reports, "report"))
    more = " and ".join(words.count(number, noun) for number, noun in counted if number)
    return Uses(schedules, reports, more)


def summary(kind: ConnectionKind, settings: Mapping[str, Any], told: Secret) -> tuple[SummaryRow, ...]:
    """Return the settings that are filled in, line by line; of a secret that it is set, if it is known since when.

    Those that most people leave alone are left out where they are as they are by default.
    """
    usual = {one.name: one.value for one in fields_in(build(kind.settings, {}, prefix="settings"))}
    group = build(kind.settings, settings, prefix="settings")
    return tuple(row for row in _rows(group, told, usual) if row.lines)


def _rows(
    group: FieldGroup, told: Secret, usual: Mapping[str, Any], legend: str = "", *, further: bool = False
) -> list[SummaryRow]:
    rows = []
    for one in group.fields:
        if further and one.value == usual.get(one.name):
            continue
        term = f"{legend}: {one.label.lower()}" if legend else one.label
        rows.append(SummaryRow(term, _lines(one, told)))
    for inner in group.groups:
        if inner.is_further and not _filled(inner):
            continue
        is_more = inner.name.endswith("-further")
        rows += _rows(inner, told, usual, "" if is_more else inner.legend, further=further or is_more)
    return rows


def _filled(group: FieldGroup) -> bool:
    """Tell whether a part that may be left out is filled in; what has defaults of its own is, by its name."""
    return group.name.endswith("-further") or group.is_open


def _lines(field: Field, told: Secret) -> tuple[str, ...]:
    if field.hint.startswith("Set"):
        return (f"Set on {told.since.text}",) if told.since else ()
    if field.control == "checkbox":
        return ("Yes",) if field.value == "on" else ("No",)
    known = {one.value: one.label for one in field.options}
    value = field.value if isinstance(field.value, str) else ", ".join(field.value)
    return tuple(line for line in known.get(value, value).split("\n") if line)


def grants(found: Granted, errors: Mapping[str, tuple[str, ...]] | None = None, users: str | None = None) -> Grants:
    """Return the form of who may use the connection.

    Args:
        users: the addresses as they were sent, if they were.
    """
    wrong = errors or {}
    roles = Field(
        "roles",
        "Roles",
        "checkboxes",
        tuple(one.value for one in found.roles),
        tuple(_ROLES.values()),
        errors=wrong.get("roles", ()),
    )
    teams = Field(
        "teams",
        "Teams",
        "checkboxes",
        tuple(one.id for one in found.teams if one.granted),
        tuple(Option(one.id, one.name) for one in found.teams),
        errors=wrong.get("teams", ()),
    )
    people = Field(
        "users",
        "People",
        "textarea",
        "\n".join(found.users) if users is None else users,
        hint="Their mail addresses here, one a line.",
        errors=wrong.get("users", ()),
        optional=True,
        attributes={"autocomplete": "off", "spellcheck": "false"},
    )
    return Grants(roles, teams if found.teams else None, people)


def errors_of(refused: Invalid) -> dict[str, tuple[str, ...]]:
    """Return what is wrong with who may use it, by field."""
    found: dict[str, tuple[str, ...]] = {}
    for fault in refused.faults:
        name = fault.field.partition(".")[0]
        found[name] = (*found.get(name, ()), refusals.of_fault(fault).sentence)
    return found


def recipient_field(caller: str, kind: str, errors: tuple[str, ...] = (), value: str | None = None) -> Field | None:
    """Return the field of where a test message goes; None for a kind whose tests go to one place only."""
    if kind != "email":
        return None
    return Field(
        "to",
        "Send the test to",
        "email",
        caller if value is None else value,
        errors=errors,
        attributes={"maxlength": "320"},
    )
