"""REST for the audit trail."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from api.actions.audit import actions as audit
from api.actions.audit.views import AuditView
from api.actions.view import PageView
from api.http.dependencies import CallerDep, Cursor, Limit
from api.http.permission import may
from api.http.problems import documented
from mailroom.access.permissions import Action

router = APIRouter(tags=["audit"])


@router.get("/audit", responses=documented(422), openapi_extra=may(Action.AUDIT_LIST))
async def list_audit(
    caller: CallerDep,
    cursor: Cursor = None,
    limit: Limit = 50,
    entity_type: Annotated[str | None, Query(max_length=40, examples=["schedule"])] = None,
    entity_id: Annotated[str | None, Query(max_length=100)] = None,
) -> PageView[AuditView]:
    """List who changed what, newest first."""
    return await audit.page(caller, entity_type=entity_type, entity_id=entity_id, cursor=cursor, limit=limit)
