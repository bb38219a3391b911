"""Show one's own account."""

from __future__ import annotations

from dataclasses import dataclass

from api.actions.caller import Caller
from mailroom.members import passwords, web_sessions


@dataclass(frozen=True, slots=True)
class Overview:
    """The facts on the page of an account besides the user: if there is a password, and the number of sessions."""

    has_password: bool
    sessions: int


async def overview(caller: Caller) -> Overview:
    """Return what there is of the caller's own log-ins."""
    async with caller.session() as session:
        kept = await passwords.of_user(session, caller.context.user.id)
        return Overview(kept is not None, await web_sessions.count_own(session, caller.context))
