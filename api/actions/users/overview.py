"""Look at users together with what they own and when they were last here, as an admin does."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from api.actions.caller import Caller
from api.actions.users.views import UserView, user_view
from mailroom.access import repository as access
from mailroom.access.sessions import repository as sessions
from mailroom.roles import Role
from mailroom.schedules.ownership import owned as schedules
from mailroom.states import ScheduleState


@dataclass(frozen=True, slots=True)
class Member:
    """A user, the number of schedules in each state, and when a browser last logged in, as far as it is on record."""

    user: UserView
    schedules: dict[ScheduleState, int]
    last_log_in: datetime | None

    @property
    def owns(self) -> int:
        """Return the number of schedules that are not deleted."""
        return sum(self.schedules.values())


@dataclass(frozen=True, slots=True)
class MemberFilter:
    """A choice of users: those that match every given condition; `search` is a part of the name or the address."""

    search: str | None = None
    role: Role | None = None
    team: str | None = None
    active: bool | None = None


async def page(caller: Caller, wanted: MemberFilter, *, cursor: str | None, limit: int) -> PageOfMembers:
    """Return one page of the users that the caller may see, by address.

    Raises:
        NotFound: there is no such team, for this caller.
    """
    viewer = caller.viewer
    async with caller.session() as session:
        team_id = (await access.team(session, wanted.team, viewer=viewer)).id if wanted.team else None
        found = await access.users_page(
            session,
            viewer=viewer,
            cursor=cursor,
            limit=limit,
            team_id=team_id,
            search=wanted.search,
            role=wanted.role,
            active=wanted.active,
        )
        ids = [row.id for row in found.items]
        owned = await schedules.counts(session, ids, viewer=viewer)
        seen = await sessions.last_log_ins(session, ids, viewer=viewer)
    items = [Member(user_view(row), owned.get(row.id, {}), seen.get(row.id)) for row in found.items]
    return PageOfMembers(items, found.next_cursor)


@dataclass(frozen=True, slots=True)
class PageOfMembers:
    """One page of users; `next_cursor` is None on the last."""

    items: list[Member]
    next_cursor: str | None


async def read(caller: Caller, reference: str) -> Member:
    """Return one user.

    Raises:
        NotFound: there is none of that id, for this caller.
    """
    viewer = caller.viewer
    async with caller.session() as session:
        row = await access.user(session, reference, viewer=viewer)
        owned = await schedules.counts(session, [row.id], viewer=viewer)
        seen = await sessions.last_log_ins(session, [row.id], viewer=viewer)
    return Member(user_view(row), owned.get(row.id, {}), seen.get(row.id))
