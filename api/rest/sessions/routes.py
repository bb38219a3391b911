"""REST for web sessions: the log-ins of browsers."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from api.actions.sessions import actions as sessions
from api.actions.sessions.views import CurrentSessionView, SessionView, current_view
from api.actions.view import PageView
from api.http.auth import LOGIN
from api.http.browser import cookies
from api.http.browser.cookies import Cookie
from api.http.browser.csrf import token_of
from api.http.dependencies import CallerDep, Cursor, Id, Limit
from api.http.json_body import JsonRoute
from api.http.permission import may
from api.http.problems import documented
from mailroom.access.permissions import Action
from mailroom.errors import Conflict

router = APIRouter(prefix="/sessions", tags=["users"], route_class=JsonRoute)


@router.get("", responses=documented(404, 422), openapi_extra=may(Action.SESSION_LIST))
async def list_sessions(
    caller: CallerDep,
    cursor: Cursor = None,
    limit: Limit = 50,
    user: Annotated[
        str | None, Query(max_length=240, description="Only sessions of this user: the id, or `ext:` and external id.")
    ] = None,
) -> PageView[SessionView]:
    """List the browsers in which you are logged in, newest first. An admin sees those of all users."""
    return await sessions.page(caller, user=user, cursor=cursor, limit=limit)


@router.get("/current", responses=documented(409), openapi_extra=may(Action.SESSION_LIST))
async def current(caller: CallerDep, request: Request, response: Response) -> CurrentSessionView:
    """Get the session of this request, with the token that a page sends with each change."""
    row = request.scope[LOGIN].session
    secret = cookies.read(request.scope, caller.services.settings, Cookie.SESSION)
    if row is None or secret is None:
        raise Conflict("This request is made with a key, not in a session.", remedy="Log in with a browser at /login.")
    response.headers["Cache-Control"] = "no-store"
    return current_view(row, token_of(secret))


@router.delete("", status_code=204, openapi_extra=may(Action.SESSION_END_OWN))
async def end_own(
    caller: CallerDep,
    others: Annotated[bool, Query(description="Whether the session of this request goes on.")] = False,
) -> Response:
    """End all of your own sessions, also the one of this request unless you ask to keep it."""
    await (sessions.end_others(caller) if others else sessions.end_own(caller))
    return Response(status_code=204)


@router.delete("/{session_id}", status_code=204, responses=documented(404), openapi_extra=may(Action.SESSION_END))
async def end(session_id: Id, caller: CallerDep) -> Response:
    """End a session. The next request in it is refused."""
    await sessions.end(caller, session_id)
    return Response(status_code=204)
