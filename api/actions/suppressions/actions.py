"""Look at the addresses that nothing is ever sent to, and change the list."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from api.actions.caller import Caller, Remember, forget
from api.actions.suppressions.views import SuppressionView
from api.actions.view import PageView
from mailroom.recipients import repository as recipients
from mailroom.recipients import service
from mailroom.recipients.spec import NewSuppression, SuppressionSettings


async def page(caller: Caller, *, cursor: str | None, limit: int) -> PageView[SuppressionView]:
    """Return one page of the list, the latest first."""
    async with caller.session() as session:
        found = await recipients.suppressions_page(session, viewer=caller.viewer, cursor=cursor, limit=limit)
    return PageView(items=[SuppressionView.model_validate(row) for row in found.items], next_cursor=found.next_cursor)


async def add(caller: Caller, wanted: NewSuppression, remember: Remember[SuppressionView] = forget) -> SuppressionView:
    """Never send to an address again; where it is on the list already, return the entry that stands."""

    async def change(session: AsyncSession) -> SuppressionView:
        row, _ = await service.suppress(session, wanted, caller.context)
        view = SuppressionView.model_validate(row)
        await remember(session, view)
        return view

    return await caller.transact(change)


async def replace(caller: Caller, suppression_id: str, wanted: SuppressionSettings) -> SuppressionView:
    """Write anew why nothing is sent to an address.

    Raises:
        NotFound.
    """

    async def change(session: AsyncSession) -> SuppressionView:
        return SuppressionView.model_validate(await service.change(session, suppression_id, wanted, caller.context))

    return await caller.transact(change)


async def remove(caller: Caller, suppression_id: str) -> None:
    """Let an address get something again.

    Raises:
        NotFound.
    """
    await caller.transact(lambda session: service.release(session, suppression_id, caller.context))
