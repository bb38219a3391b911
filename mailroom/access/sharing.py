"""With whom something is shared: users, teams, and for connections and templates roles.

It is kept as subjects, see `viewer`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import delete, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from mailroom.access import repository as access
from mailroom.access.viewer import Viewer, role_subject, team_subject, user_subject
from mailroom.errors import Fault, Invalid, NotFound
from mailroom.roles import Role
from mailroom.storage.model.access import ConnectionGrant, ScheduleShare
from mailroom.storage.model.drafts import TemplateShare
from mailroom.storage.tables import User

_MOST = 200


class Audience(BaseModel):
    """The users and teams with whom something is shared, each by id or by `ext:` and external id."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    users: list[str] = Field(default_factory=list, max_length=_MOST, examples=[["ext:ada"]])
    teams: list[str] = Field(default_factory=list, max_length=_MOST, examples=[["ext:sales"]])


class GrantedTo(Audience):
    """The users, teams and roles that may use a connection besides admins, or a template besides its owner."""

    roles: list[Role] = Field(default_factory=list, max_length=len(Role), examples=[["creator"]])


Kept = type[ScheduleShare] | type[ConnectionGrant] | type[TemplateShare]
"""A table that keeps the subjects which something is shared with; the thing is its other column."""


def _thing(table: Kept) -> InstrumentedAttribute[str]:
    things: dict[Kept, InstrumentedAttribute[str]] = {
        ScheduleShare: ScheduleShare.schedule_id,
        ConnectionGrant: ConnectionGrant.connection,
        TemplateShare: TemplateShare.template_id,
    }
    return things[table]


async def subjects_kept(session: AsyncSession, table: Kept, thing: str) -> list[str]:
    """Return the subjects that a thing is shared with, sorted."""
    return sorted(await session.scalars(select(table.subject).where(_thing(table) == thing)))


async def replace_subjects(
    session: AsyncSession, table: Kept, thing: str, wanted: Audience, *, viewer: Viewer
) -> tuple[list[str], list[str]]:
    """Share a thing with this audience and nobody else; return the subjects of before and of now.

    Raises:
        Invalid: see `subjects_of`.
    """
    before = await subjects_kept(session, table, thing)
    after = await subjects_of(session, wanted, viewer=viewer)
    if after != before:
        await session.execute(delete(table).where(_thing(table) == thing))
        if after:
            rows = [{_thing(table).key: thing, "subject": subject} for subject in after]
            await session.execute(insert(table), rows)
    return before, after


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


async def users_among(session: AsyncSession, subjects: Iterable[str]) -> Sequence[str]:
    """Return the ids of the active users whom these subjects name, themselves or by their team."""
    named = audience_of(subjects)
    among = or_(User.id.in_(named.users), User.team_id.in_(named.teams))
    return (await session.scalars(select(User.id).where(among, User.is_active))).all()


def audience_of(subjects: Iterable[str]) -> GrantedTo:
    """Return subjects as an audience, by ids. Pure."""
    named: dict[str, list[str]] = {"user": [], "team": [], "role": []}
    for subject in sorted(subjects):
        kind, _, name = subject.partition(":")
        named[kind].append(name)
    return GrantedTo(users=named["user"], teams=named["team"], roles=[Role(name) for name in named["role"]])
