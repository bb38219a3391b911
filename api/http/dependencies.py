"""Define the parameters that routes share: the services, the caller, and the ids and headers that are checked here."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Header, Path, Query, Request

from api.actions.caller import Caller
from api.http import read_only
from api.http.audited.origin import CONTEXT, origin_of
from api.http.auth import LOGIN
from api.http.permission import action_asked
from api.http.problems import Refusal
from api.services import Services
from mailroom.access import repository as users
from mailroom.access.login import Login
from mailroom.access.permissions import Action
from mailroom.access.service import ensure_default_user
from mailroom.access.viewer import viewer_of
from mailroom.context import Context
from mailroom.errors import Invalid
from mailroom.roles import WIDEST
from mailroom.storage.tables import User

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def services(request: Request) -> Services:
    """Return the services of this process."""
    found = request.app.state.services
    assert isinstance(found, Services)
    return found


ServicesDep = Annotated[Services, Depends(services)]


async def plain_query(request: Request) -> None:
    """Refuse a NUL in the query string, which Postgres cannot store or compare."""
    for name, value in request.query_params.multi_items():
        if "\0" in name or "\0" in value:
            raise Invalid.at(name.replace("\0", "")[:60], "The query string contains a NUL character.", "Remove it.")


ActFor = Annotated[
    str | None,
    Header(
        alias="X-Act-For",
        max_length=240,
        description=(
            "The id of a user, or `ext:` and the user's external id: the request is made for this user, with the "
            "user's rights. It needs a key of the scope admin, and the audit trail names both."
        ),
    ),
]


async def caller(request: Request, found: ServicesDep, act_for: ActFor = None) -> Caller:
    """Return who asks, and when, if there is anything to which the caller may do what the route does.

    Raises:
        Forbidden: there is not.
        Refusal: the user is disabled.
        NotFound: there is no such user to act for.
        ReadOnly: the route changes something, and nothing may be changed now.
    """
    now, login = found.clock(), request.scope[LOGIN]
    assert isinstance(login, Login), "the guard lets nobody in without one"
    context = replace(await _context(found, login, now, act_for), origin=origin_of(request))
    request.scope[CONTEXT] = context  # A refusal is audited with it.
    action = action_asked(request)
    context.viewer.require_any(action)
    if request.method not in _SAFE:
        await read_only.refuse(found, action)
    return Caller(found, context, login.session.id if login.session else None)


async def _context(found: Services, login: Login, now: datetime, act_for: str | None) -> Context:
    if login.user is None or act_for is not None:
        async with found.database.session() as session:
            user = login.user or await ensure_default_user(session, now, found.settings)
            _require_active(user)
            if act_for is not None:
                actor = viewer_of(user, login.scope)
                other = await users.user(session, act_for, viewer=actor, doing=Action.USER_ACT_FOR)
                _require_active(other)
                return Context(other, now, found.settings, WIDEST[other.role], acted_by=user)
    else:
        user = login.user
        _require_active(user)
    return Context(user, now, found.settings, login.scope)


def _require_active(user: User) -> None:
    if not user.is_active:
        raise Refusal(
            403, "forbidden", f"The user {user.email} is disabled.", remedy="Ask an admin to enable the user."
        )


CallerDep = Annotated[Caller, Depends(caller)]

Id = Annotated[str, Path(pattern=r"^[A-Za-z0-9-]{1,80}$", description="An id, as shown in lists.")]
Reference = Annotated[
    str,
    Path(
        pattern=r"^(ext:[A-Za-z0-9][A-Za-z0-9._@:+-]{0,199}|[A-Za-z0-9-]{1,80})$",
        description="An id, as shown in lists, or `ext:` and the external id.",
    ),
]
ConnectionName = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9-]{0,99}$", description="The name of the connection.")]


Cursor = Annotated[str | None, Query(max_length=1000, description="`next_cursor` of the previous page.")]
Limit = Annotated[int, Query(ge=1, le=200, description="The number of rows per page.")]
IfMatch = Annotated[
    str | None,
    Header(
        max_length=200,
        description=("The ETag of the version that your change is based on. An outdated one is refused with 412."),
    ),
]
