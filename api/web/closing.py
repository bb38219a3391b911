"""Close a notice."""

from __future__ import annotations

from fastapi import APIRouter, Response

from api.http.permission import may
from api.web import page
from api.web.forms import FormDep
from api.web.visitor import VisitorDep
from mailroom.access.permissions import Action
from mailroom.members import notices as kept

router = APIRouter(include_in_schema=False)


@router.post("/notices/{notice_id}/close", openapi_extra=may(Action.NOTIFICATION_LIST))
async def close(notice_id: str, visitor: VisitorDep, form: FormDep) -> Response:
    """Close a notice, and go back to the page that it was on."""
    session_id = visitor.caller.session_id
    if session_id is not None:
        await visitor.caller.transact(lambda session: kept.remove(session, session_id, {notice_id}))
    return page.see(visitor, form.text("back"))
