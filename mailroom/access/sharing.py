"""With whom something is shared: users, teams, and for connections roles. Kept as subjects, see `viewer`."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.access import repository as access
from mailroom.access.viewer import Viewer, role_subject, team_subject, user_subject
from mailroom.errors import Fault, Invalid, NotFound
from mailroom.roles import Role

_MOST = 200


class Audience(BaseModel):
    """The users and teams with whom something is shared, each by id or by `ext:` and external id."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    users: list[str] = Field(default_factory=list, max_length=_MOST, examples=[["ext:ada"]])
    teams: list[str] = Field(default_factory=list, max_length=_MOST, examples=[["ext:sales"]])


class GrantedTo(Audience):
    """The users, teams and roles that may use a connection besides admins."""

    roles: list[Role] = Field(default_factory=list, max_length=len(Role), examples=[["creator"]])


async def subjects_of(session: AsyncSession, audience: Audience, *, viewer: Viewer) -> list[str]:
    """Return the subjects of an audience, sorted.

    Raises:
        Invalid: naming each user and team that does not exist, for this viewer.
    """
    found, faults = set(), []
    for index, reference in enumerate(audience.users):
        try:
            found.add(user_subject((await access.user(session, reference, viewer=viewer)).id))
        except NotFound as error:
            faults.append(Fault(f"users.{index}", error.message, error.remedy))
    for index, reference in enumerate(audience.teams):
        try:
            found.add(team_subject((await access.team(session, reference, viewer=viewer)).id))
        except NotFound as error:
            faults.append(Fault(f"teams.{index}", error.message, error.remedy))
    if faults:
        raise Invalid(faults)
    if isinstance(audience, GrantedTo):
        found |= {role_subject(role) for role in audience.roles}
    return sorted(found)


def audience_of(subjects: Iterable[str]) -> GrantedTo:
    """Return subjects as an audience, by ids. Pure."""
    named: dict[str, list[str]] = {"user": [], "team": [], "role": []}
    for subject in sorted(subjects):
        kind, _, name = subject.partition(":")
        named[kind].append(name)
    return GrantedTo(users=named["user"], teams=named["team"], roles=[Role(name) for name in named["role"]])
