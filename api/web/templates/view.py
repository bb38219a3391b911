"""Make the pages of templates from what the actions answer. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from api.actions.schedule_templates.views import TemplateView
from api.actions.teams.views import TeamView
from api.actions.users.views import UserView
from api.web.parts import Field, Link, Option
from api.web.visitor import Visitor
from api.web.wizard.summary.answers import reach_words, timing_words
from api.web.words import ROLES
from mailroom.access.permissions import Action
from mailroom.access.sharing import GrantedTo
from mailroom.roles import Role


@dataclass(frozen=True, slots=True)
class Card:
    """A template in the list; `whose` says whose it is, `links` what can be done besides using it."""

    title: str
    description: str
    lines: tuple[str, ...]
    whose: str
    use: str
    links: tuple[Link, ...]


def cards(found: Iterable[TemplateView], visitor: Visitor) -> tuple[Card, ...]:
    """Return the templates as cards."""
    return tuple(_card(one, visitor) for one in found)


def _card(one: TemplateView, visitor: Visitor) -> Card:
    whose, here = "Comes with Mailroom", f"/templates/{one.id}"
    links: list[Link] = []
    if one.owner is not None:
        mine = one.owner == visitor.user.id
        whose = "Yours" if mine else "Shared with you"
        if not mine and visitor.viewer.sees_all:
            whose = "Somebody else's"
        offered = (
            (Action.TEMPLATE_CHANGE, Link(f"{here}/edit", "Edit", icon="pencil")),
            (Action.TEMPLATE_SHARE, Link(f"{here}/share", "Share", icon="users")),
            (Action.TEMPLATE_DELETE, Link(f"{here}/delete", "Delete", icon="trash-2")),
        )
        links = [link for action, link in offered if visitor.may(action, one.owner)]
    return Card(
        title=one.title,
        description=one.description,
        lines=content(one.body),
        whose=whose,
        use=f"/schedules/new?template={one.id}",
        links=tuple(links),
    )


def content(body: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what a template holds, a line for each thing."""
    formats = body.get("formats")
    report = body.get("report_id")
    timing = body.get("timing")
    if isinstance(timing, Mapping) and "timezone" not in timing:
        when = timing_words(timing).replace(" (UTC)", " in your time zone")
    else:
        when = timing_words(timing)
    return tuple(
        filter(
            None,
            [
                f"Report: {report}" if report else "",
                when,
                ", ".join(str(one).upper() for one in formats) if isinstance(formats, list) else "",
                f"To {reach}" if (reach := reach_words(body.get("destinations"))) else "",
            ],
        )
    )


def fields(title: str, description: str, errors: Mapping[str, tuple[str, ...]]) -> tuple[Field, ...]:
    """Return the form of a template."""
    return (
        Field("title", "Title", "text", title, errors=errors.get("title", ()), attributes={"maxlength": "200"}),
        Field(
            "description",
            "Description",
            "text",
            description,
            errors=errors.get("description", ()),
            optional=True,
            attributes={"maxlength": "500"},
        ),
    )


def share_fields(
    shared: GrantedTo, users: Sequence[UserView], teams: Sequence[TeamView], owner: str | None
) -> tuple[Field, ...]:
    """Return the form that says who may use a template besides its owner."""
    roles = tuple(Option(role, f"Everybody who is {ROLES[role].lower()}") for role in (Role.CREATOR, Role.ADMIN))
    people = tuple(Option(one.id, one.name or one.email, one.email) for one in users if one.id != owner)
    groups = tuple(Option(one.id, one.name) for one in teams)
    found = [Field("roles-", "Roles", "checkboxes", tuple(str(role) for role in shared.roles), roles)]
    if groups:
        found.append(Field("teams-", "Teams", "checkboxes", tuple(shared.teams), groups))
    if people:
        found.append(Field("users-", "People", "checkboxes", tuple(shared.users), people))
    return tuple(found)
