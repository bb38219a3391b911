"""Look at users and change them."""

from __future__ import annotations

import asyncio

from sqlalchemy.ext.asyncio import AsyncSession

from api.actions.caller import Caller, Remember, forget
from api.actions.users.views import ChangedUserView, UserView, changed_user_view, user_view
from api.actions.view import PageView
from mailroom.access import repository as access
from mailroom.members import own_preferences, users
from mailroom.members.own_preferences import PreferencesPatch
from mailroom.members.spec import UserSettings
from mailroom.schedules.ownership import owners


async def page(caller: Caller, *, team: str | None, cursor: str | None, limit: int) -> PageView[UserView]:
    """Return one page of the users that the caller may see, by address; of one team or of all.

    Raises:
        NotFound: there is no such team, for this caller.
    """
    async with caller.session() as session:
        team_id = (await access.team(session, team, viewer=caller.viewer)).id if team else None
        found = await access.users_page(session, viewer=caller.viewer, cursor=cursor, limit=limit, team_id=team_id)
    return PageView(items=[user_view(row) for row in found.items], next_cursor=found.next_cursor)


async def read(caller: Caller, reference: str) -> UserView:
    """Return one user.

    Raises:
        NotFound: there is none of that id, for this caller.
    """
    async with caller.session() as session:
        return user_view(await access.user(session, reference, viewer=caller.viewer))


async def create(caller: Caller, wanted: UserSettings, remember: Remember[UserView] = forget) -> UserView:
    """Store a new user.

    Raises:
        Conflict, Invalid.
    """

    async def change(session: AsyncSession) -> UserView:
        view = user_view(await users.create_user(session, wanted, caller.context))
        await remember(session, view)
        return view

    return await caller.transact(change)


async def replace(caller: Caller, reference: str, wanted: UserSettings, *, if_match: str | None) -> ChangedUserView:
    """Replace everything that is said of a user; one who may not own schedules any more has them suspended.

    Raises:
        NotFound, Conflict, Invalid.
    """

    async def change(session: AsyncSession) -> ChangedUserView:
        row = await users.change_user(session, reference, wanted, caller.context, if_match=if_match)
        return changed_user_view(row, await owners.suspend_if_barred(session, row, caller.context))

    return await _in_step(caller, await caller.transact(change))


async def prefer(caller: Caller, reference: str, wanted: PreferencesPatch) -> UserView:
    """Change what the caller prefers to see.

    Raises:
        NotFound.
        Forbidden: the user is somebody else.
    """

    async def change(session: AsyncSession) -> UserView:
        return user_view(await own_preferences.change(session, reference, wanted, caller.context))

    return await caller.transact(change)


async def disable(caller: Caller, reference: str) -> ChangedUserView:
    """Keep a user from logging in, and suspend the user's schedules; nothing is removed.

    Raises:
        NotFound, Conflict.
    """

    async def change(session: AsyncSession) -> ChangedUserView:
        row = await users.disable_user(session, reference, caller.context)
        return changed_user_view(row, await owners.suspend_if_barred(session, row, caller.context))

    return await _in_step(caller, await caller.transact(change))


async def _in_step(caller: Caller, view: ChangedUserView) -> ChangedUserView:
    """Bring what was suspended to Prefect."""
    await asyncio.gather(*(caller.services.reconciler.settle_schedule(one) for one in view.suspended))
    return view
