"""Look at web sessions, and end them."""

from __future__ import annotations

from api.actions.caller import Caller
from api.actions.sessions.views import SessionView, session_view
from api.actions.view import PageView
from mailroom.access import repository as access
from mailroom.access.sessions import repository as stored
from mailroom.members import web_sessions


async def page(caller: Caller, *, user: str | None, cursor: str | None, limit: int) -> PageView[SessionView]:
    """Return one page of the sessions that the caller may see and that can be used, newest first; of one user or all.

    Raises:
        NotFound: there is no such user, for this caller.
    """
    context = caller.context
    async with caller.session() as session:
        user_id = (await access.user(session, user, viewer=caller.viewer)).id if user else None
        found = await stored.live_page(
            session,
            viewer=caller.viewer,
            now=context.now,
            seen_after=context.now - web_sessions.idle(context.settings),
            cursor=cursor,
            limit=limit,
            user_id=user_id,
        )
    items = [session_view(row, caller.session_id) for row in found.items]
    return PageView(items=items, next_cursor=found.next_cursor)


async def end(caller: Caller, session_id: str) -> None:
    """End a session; the next request with it is refused.

    Raises:
        NotFound, Forbidden.
    """
    await caller.transact(lambda session: web_sessions.end(session, session_id, caller.context))


async def end_own(caller: Caller) -> int:
    """End all of the caller's own sessions, also that of this request; return how many there were."""
    return await caller.transact(lambda session: web_sessions.end_own(session, caller.context))


async def end_others(caller: Caller) -> int:
    """End all of the caller's own sessions but that of this request; return how many there were."""
    return await caller.transact(lambda session: web_sessions.end_own(session, caller.context, keep=caller.session_id))
