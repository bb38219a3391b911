"""Look at keys, make and revoke them."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from api.actions.caller import Caller
from api.actions.keys.views import KeyView, NewKeyView
from api.actions.view import PageView
from mailroom.access import repository as access
from mailroom.members import keys
from mailroom.members.spec import NewKey


async def page(caller: Caller, *, user: str | None, cursor: str | None, limit: int) -> PageView[KeyView]:
    """Return one page of the keys that the caller may see, newest first; of one user or of all.

    Raises:
        NotFound: there is no such user, for this caller.
    """
    async with caller.session() as session:
        user_id = (await access.user(session, user, viewer=caller.viewer)).id if user else None
        found = await access.keys_page(session, viewer=caller.viewer, cursor=cursor, limit=limit, user_id=user_id)
    return PageView(items=[KeyView.model_validate(row) for row in found.items], next_cursor=found.next_cursor)


async def create(caller: Caller, wanted: NewKey) -> NewKeyView:
    """Store a new key and return it, for the only time.

    Raises:
        ConfigurationError, Forbidden, Invalid.
    """

    async def change(session: AsyncSession) -> NewKeyView:
        row, token = await keys.create(session, wanted, caller.context)
        return NewKeyView(**KeyView.model_validate(row).model_dump(), key=token)

    return await caller.transact(change)


async def revoke(caller: Caller, key_id: str) -> None:
    """Revoke a key; the next request with it is refused.

    Raises:
        NotFound, Forbidden.
    """
    await caller.transact(lambda session: keys.revoke(session, key_id, caller.context))
