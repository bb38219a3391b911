"""Show one's own account."""

from __future__ import annotations

from dataclasses import dataclass

from api.actions.caller import Caller
from mailroom.access.sessions import repository as stored
from mailroom.members import web_sessions


@dataclass(frozen=True, slots=True)
class Overview:
    """What the page of an account shows besides the user: whether there is a password, and how many sessions."""

    has_password: bool
    sessions: int


async def overview(caller: Caller) -> Overview:
    """Return what there is of the caller's own log-ins."""
    context = caller.context
    async with caller.session() as session:
        kept = await stored.password_of(session, context.user.id)
        seen_after = context.now - web_sessions.idle(context.settings)
        live = await stored.count_live(session, context.user.id, now=context.now, seen_after=seen_after)
    return Overview(kept is not None, live)
