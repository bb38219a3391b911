"""The audit trail."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from api.actions.audit.views import AuditView
from api.actions.view import PageView
from api.http.dependencies import CallerDep, Cursor, Limit, ServicesDep
from api.http.problems import documented
from mailroom.audit import repository as audit

router = APIRouter(tags=["audit"])


@router.get("/audit", responses=documented(422))
async def list_audit(
    _context: CallerDep,
    services: ServicesDep,
    cursor: Cursor = None,
    limit: Limit = 50,
    entity_type: Annotated[str | None, Query(max_length=40, examples=["schedule"])] = None,
    entity_id: Annotated[str | None, Query(max_length=100)] = None,
) -> PageView[AuditView]:
    """Who changed what, newest first."""
    async with services.database.session() as session:
        page = await audit.list_page(session, cursor=cursor, limit=limit, entity_type=entity_type, entity_id=entity_id)
    return PageView(items=[AuditView.model_validate(row) for row in page.items], next_cursor=page.next_cursor)
