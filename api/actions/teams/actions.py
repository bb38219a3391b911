"""Look at teams and change them."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from api.actions.caller import Caller, Remember, forget
from api.actions.teams.views import TeamView, team_view
from api.actions.view import PageView
from mailroom.access import repository as access
from mailroom.members import users as members
from mailroom.members.spec import TeamSettings


async def page(caller: Caller, *, cursor: str | None, limit: int) -> PageView[TeamView]:
    """Return one page of the teams that the caller may see, by name."""
    async with caller.session() as session:
        found = await access.teams_page(session, viewer=caller.viewer, cursor=cursor, limit=limit)
    return PageView(items=[team_view(row) for row in found.items], next_cursor=found.next_cursor)


async def read(caller: Caller, reference: str) -> TeamView:
    """Return one team.

    Raises:
        NotFound: there is none of that id, for this caller.
    """
    async with caller.session() as session:
        return team_view(await access.team(session, reference, viewer=caller.viewer))


async def create(caller: Caller, wanted: TeamSettings, remember: Remember[TeamView] = forget) -> TeamView:
    """Store a new team.

    Raises:
        Conflict: the external id is in use.
    """

    async def change(session: AsyncSession) -> TeamView:
        view = team_view(await members.create_team(session, wanted, caller.context))
        await remember(session, view)
        return view

    return await caller.transact(change)


async def replace(caller: Caller, reference: str, wanted: TeamSettings, *, if_match: str | None) -> TeamView:
    """Replace everything that is said of a team.

    Raises:
        NotFound, Conflict.
    """

    async def change(session: AsyncSession) -> TeamView:
        return team_view(await members.change_team(session, reference, wanted, caller.context, if_match=if_match))

    return await caller.transact(change)


async def delete(caller: Caller, reference: str, *, if_match: str | None) -> None:
    """Delete a team without members.

    Raises:
        NotFound, Conflict.
    """
    await caller.transact(lambda session: members.delete_team(session, reference, caller.context, if_match=if_match))
