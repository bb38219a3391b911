"""Check a connection in place, and send a test message through it."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from api.actions.connections import actions as connections
from api.actions.distribution.actions import DistributionTest, send_test
from api.http.dependencies import ConnectionName
from api.http.permission import may
from api.web import refusals
from api.web.connection import checked, view
from api.web.connection.routes import one
from api.web.forms import FormDep
from api.web.visitor import VisitorDep
from mailroom.access.permissions import Action
from mailroom.errors import CheckFailed, Invalid, NotFound, TooOften, Unavailable
from prefect_mailroom.errors import MailroomError

router = APIRouter(include_in_schema=False)
SECONDS = 10.0
"""A person waits for a check no longer than this."""
_NOT_SENT = "The test message was not sent"


@router.post("/connections/{name}/check", openapi_extra=may(Action.CONNECTION_CHECK))
async def check(name: ConnectionName, visitor: VisitorDep) -> HTMLResponse:
    """Ask the far side whether the connection works, and show each step."""
    try:
        found = await connections.check(visitor.caller, name, seconds=SECONDS)
    except (CheckFailed, Unavailable, TooOften) as error:
        return await one(visitor, name, result=checked.failed(error), status=status_of(error))
    return await one(visitor, name, result=checked.works(found))


@router.post("/connections/{name}/test", openapi_extra=may(Action.CONNECTION_TRY))
async def test(name: ConnectionName, visitor: VisitorDep, form: FormDep) -> HTMLResponse:
    """Send a small real message, and show what the far side confirmed."""
    found = await connections.brief(visitor.caller, name)
    given = form.text("to") or None
    field = view.recipient_field(visitor.user.email, found.kind, value=given)
    try:
        receipt = await send_test(visitor.caller, found.kind, DistributionTest(connection=name, to=given))
    except NotFound:
        raise
    except Invalid as error:
        told = tuple(refusals.of_fault(fault).sentence for fault in error.faults)
        wrong = view.recipient_field(visitor.user.email, found.kind, errors=told, value=given)
        return await one(visitor, name, result=checked.failed(error, _NOT_SENT), test_to=wrong, status=422)
    except MailroomError as error:
        return await one(visitor, name, result=checked.failed(error, _NOT_SENT), test_to=field, status=status_of(error))
    return await one(visitor, name, result=checked.arrived(receipt), test_to=field)


def status_of(error: MailroomError) -> int:
    """Return the status of a page that tells of a check which failed: the page itself is as it should be."""
    return 429 if isinstance(error, TooOften) else 422
