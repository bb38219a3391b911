"""Look at keys, make, change and revoke them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from api.actions.caller import Caller
from api.actions.keys.views import KeyView, NewKeyView, key_view
from api.actions.view import PageView
from mailroom.access import repository as access
from mailroom.access.permissions import Action
from mailroom.members import keys
from mailroom.members.spec import KeySettings, NewKey


async def page(caller: Caller, *, user: str | None, cursor: str | None, limit: int) -> PageView[KeyView]:
    """Return one page of the keys that the caller may see, newest first; of one user or of all.

    Raises:
        NotFound: there is no such user, for this caller.
    """
    async with caller.session() as session:
        user_id = (await access.user(session, user, viewer=caller.viewer)).id if user else None
        found = await access.keys_page(session, viewer=caller.viewer, cursor=cursor, limit=limit, user_id=user_id)
    return PageView(items=[key_view(row) for row in found.items], next_cursor=found.next_cursor)


async def read(caller: Caller, key_id: str, *, doing: Action) -> KeyView:
    """Return one key, for who may do this to it.

    Raises:
        NotFound, Forbidden.
    """
    async with caller.session() as session:
        return key_view(await access.key(session, key_id, viewer=caller.viewer, doing=doing))


async def owners(caller: Caller, found: Sequence[KeyView]) -> dict[str, str]:
    """Return the addresses of the owners of keys that the caller was shown, by their ids."""
    names = {}
    async with caller.session() as session:
        for user_id in {one.user_id for one in found}:
            owner = await access.find(session, user_id)
            assert owner is not None, "users are never removed"
            names[user_id] = owner.email
    return names


async def create(caller: Caller, wanted: NewKey) -> NewKeyView:
    """Store a new key and return it, for the only time.

    Raises:
        ConfigurationError, Forbidden, Invalid.
    """

    async def change(session: AsyncSession) -> NewKeyView:
        row, token = await keys.create(session, wanted, caller.context)
        return NewKeyView(**key_view(row).model_dump(), key=token)

    return await caller.transact(change)


async def replace(caller: Caller, key_id: str, wanted: KeySettings, *, if_match: str | None) -> KeyView:
    """Rename a key, narrow its scope, or give it another end.

    Raises:
        NotFound, Forbidden, Conflict, Invalid.
    """

    async def change(session: AsyncSession) -> KeyView:
        return key_view(await keys.change(session, key_id, wanted, caller.context, if_match=if_match))

    return await caller.transact(change)


async def revoke(caller: Caller, key_id: str) -> None:
    """Revoke a key; the next request with it is refused.

    Raises:
        NotFound, Forbidden.
    """
    await caller.transact(lambda session: keys.revoke(session, key_id, caller.context))
