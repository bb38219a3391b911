"""REST for the audit trail."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse

from api.actions.audit import actions as audit
from api.actions.audit.views import AuditView
from api.actions.moment import Moment
from api.actions.view import PageView
from api.http.dependencies import CallerDep, Cursor, Limit
from api.http.permission import may
from api.http.problems import documented
from mailroom.access.permissions import Action
from mailroom.audit.export import MEDIA_TYPE
from mailroom.audit.repository import AuditFilter

router = APIRouter(tags=["audit"])
_EXAMPLE = (
    '{"action":"sent","actor":"mailroom","address":null,"at":"2026-11-23T08:00:04.512000+00:00","detail":{"attempt":1,'
    '"channel":"email","connection":"corp-smtp","delivery":"7f0c…","outcome":"delivered","recipient":"ada@example.com",'
    '"schedule":"b1e2…"},"entity_id":"0d1c…","entity_type":"execution","hash":"9f2d…","id":"c3a4…","login":null,'
    '"on_behalf_of":"owner@example.com","position":4711}\n'
)


def _filter(
    actor: Annotated[
        str | None, Query(max_length=320, description="Who did it, or for whom.", examples=["ada@example.com"])
    ] = None,
    action: Annotated[str | None, Query(max_length=60, examples=["sent"])] = None,
    entity_type: Annotated[str | None, Query(max_length=40, examples=["schedule"])] = None,
    entity_id: Annotated[str | None, Query(max_length=100)] = None,
    since: Annotated[Moment | None, Query(description="From this time on.", examples=["2026-11-23T00:00:00Z"])] = None,
    until: Annotated[Moment | None, Query(description="Before this time.", examples=["2026-11-24T00:00:00Z"])] = None,
    address: Annotated[
        str | None,
        Query(max_length=64, description="The address that the request came from. For admins.", examples=["192.0.2.7"]),
    ] = None,
) -> AuditFilter:
    return AuditFilter(actor, action, entity_type, entity_id, since, until, address)


FilterDep = Annotated[AuditFilter, Depends(_filter)]


@router.get("/audit", responses=documented(422), openapi_extra=may(Action.AUDIT_LIST))
async def list_audit(
    caller: CallerDep, wanted: FilterDep, cursor: Cursor = None, limit: Limit = 50
) -> PageView[AuditView]:
    """List who did what, newest first: changes, sends, downloads, refusals, uses of credentials."""
    return await audit.page(caller, wanted=wanted, cursor=cursor, limit=limit)


@router.get(
    "/audit/export",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "One JSON object a line, oldest first, each with its place in the sealed chain.",
            "content": {MEDIA_TYPE: {"schema": {"type": "string"}, "example": _EXAMPLE}},
        },
        **documented(422),
    },
    openapi_extra=may(Action.AUDIT_EXPORT),
)
async def export_audit(caller: CallerDep, wanted: FilterDep) -> StreamingResponse:
    """Export entries as lines of JSON. docs/audit.md says how to compute the hashes again."""
    headers = {"Content-Disposition": 'attachment; filename="audit.jsonl"', "Cache-Control": "no-store"}
    return StreamingResponse(audit.export(caller, wanted=wanted), media_type=MEDIA_TYPE, headers=headers)
