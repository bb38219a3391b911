"""Stop the mails that are sent to users at set times, by the link in them. The link itself is the right to it."""

from __future__ import annotations

from functools import partial

from api.services import Services
from mailroom.links.visitor import Visitor
from mailroom.telling import leaving
from mailroom.telling.leaving import Standing
from mailroom.telling.spec import TellingKind


async def standing_of(services: Services, kind: TellingKind, token: str) -> Standing:
    """Return whether the user of a link gets mails of its kind.

    Raises:
        Gone: the link does not work.
    """
    async with services.database.session() as session:
        return await leaving.standing_of(session, services.settings, kind, token)


async def choose(services: Services, kind: TellingKind, token: str, visitor: Visitor, *, is_sent: bool) -> Standing:
    """Stop such mails, or begin them again.

    Raises:
        Gone: the link does not work.
    """
    chosen = partial(
        leaving.choose, settings=services.settings, kind=kind, token=token, visitor=visitor, is_sent=is_sent
    )
    return await services.database.transact(chosen)
