"""Serve the list of connections."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from api.actions.connections import actions as connections
from api.http.permission import may
from api.web import page
from api.web.connections import view
from api.web.visitor import VisitorDep
from mailroom.access.permissions import Action

router = APIRouter(include_in_schema=False)


@router.get("/connections", openapi_extra=may(Action.CONNECTION_LIST))
async def listed(visitor: VisitorDep) -> HTMLResponse:
    """Show the connections: what each is, as whom it sends, whether it works, and how many use it."""
    found = await connections.every(visitor.caller, with_uses=True, with_senders=True)
    shown = view.page(found.items, visitor.when, may_create=visitor.may(Action.CONNECTION_CREATE))
    return await page.render(visitor, "connections/page.html", title=shown.title, page=shown)
