"""Write into the audit trail that a request was refused.

In a transaction of its own, since that of the request has come to nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import FastAPI, Request, Response
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from api.http.audited.origin import CONTEXT, origin_of
from api.http.auth import LOGIN
from api.http.permission import MARK
from api.http.problems import Refusal
from api.services import Services
from mailroom.access.login import Login
from mailroom.audit import repository as audit
from mailroom.audit.delivery_events import AccessRefused
from mailroom.context import Context
from mailroom.errors import Forbidden, NotFound, Unavailable
from prefect_mailroom.errors import MailroomError

_LOG = logging.getLogger(__name__)
_LONGEST_PATH = 500


def install(app: FastAPI) -> None:
    """Audit the refusals among the problems that the application answers with; those are installed before."""
    for kind in (MailroomError, Refusal):
        app.add_exception_handler(kind, _audited(app.exception_handlers[kind]))


def _audited(answer: Callable[..., Any]) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def handle(request: Request, error: Exception) -> Response:
        response = await answer(request, error)
        assert isinstance(response, Response)
        if isinstance(error, Forbidden | NotFound) or (isinstance(error, Refusal) and error.status == 403):
            await record_refusal(request, response.status_code)
        return response

    return handle


async def record_refusal(request: Request, status: int) -> None:
    """Record that what the request asks for was refused; one that nobody has logged in for is not recorded here.

    Where the database does not take it, the log does: a refusal is answered in any case.
    """
    login = request.scope.get(LOGIN)
    if not isinstance(login, Login):
        return
    services = request.app.state.services
    assert isinstance(services, Services)
    event = _event(request, status)
    context = request.scope.get(CONTEXT)

    async def write(session: AsyncSession) -> None:
        if isinstance(context, Context):
            audit.record_by(session, event, context)
            return
        actor = login.user.email if login.user else services.settings.owner_email
        audit.record(session, event, at=services.database.now(), actor=actor, origin=origin_of(request))

    try:
        await services.database.transact(write)
    except (SQLAlchemyError, OSError, Unavailable):
        _LOG.warning("A refusal could not be audited: %s", event.detail(), exc_info=True)


def _event(request: Request, status: int) -> AccessRefused:
    things = [str(value) for value in request.path_params.values()]
    return AccessRefused(
        entity_id=things[0] if things else "",
        permission=_permission(request),
        status=status,
        method=request.method,
        path=request.url.path[:_LONGEST_PATH],
    )


def _permission(request: Request) -> str:
    extra = getattr(request.scope.get("route"), "openapi_extra", None) or {}
    return str(extra.get(MARK, ""))
