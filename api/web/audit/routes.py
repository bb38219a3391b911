"""The page of the audit trail: who did what, how the trail stands, and an export of what is chosen."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.responses import HTMLResponse, StreamingResponse

from api.actions.audit import actions as audit
from api.actions.audit import reading
from api.http.dependencies import Cursor
from api.http.permission import may
from api.web import notices, page
from api.web.audit import view
from api.web.forms import FormDep
from api.web.visitor import Visitor, VisitorDep
from mailroom.access.permissions import Action
from mailroom.audit.export import MEDIA_TYPE

router = APIRouter(prefix="/audit", include_in_schema=False)
Text = Annotated[str, Query(max_length=400)]
_ROWS = 50


@router.get("", openapi_extra=may(Action.AUDIT_LIST))
async def show(visitor: VisitorDep, cursor: Cursor = None) -> HTMLResponse:
    """Show entries, newest first."""
    return await _page(visitor, cursor)


@router.get("/export", openapi_extra=may(Action.AUDIT_EXPORT))
async def export(visitor: VisitorDep) -> StreamingResponse:
    """Send the entries that are chosen as lines of JSON, oldest first."""
    asked = view.asked(visitor.request.query_params, visitor.when.zone)
    headers = {"Content-Disposition": 'attachment; filename="audit.jsonl"', "Cache-Control": "no-store"}
    return StreamingResponse(audit.export(visitor.caller, wanted=asked.wanted), media_type=MEDIA_TYPE, headers=headers)


@router.post("/check", openapi_extra=may(Action.AUDIT_EXPORT))
async def check(visitor: VisitorDep, form: FormDep) -> Response:
    """Check the whole trail."""
    verdict = await reading.check_everything(visitor.caller)
    if verdict.wrong:
        return await _page(visitor, None, wrong=tuple(one.message for one in verdict.wrong[:20]))
    await notices.add(visitor, view.verdict_words(verdict, visitor.when))
    return page.see(visitor, form.text("back") or "/audit")


async def _page(visitor: Visitor, cursor: str | None, *, wrong: tuple[str, ...] = ()) -> HTMLResponse:
    query = visitor.request.query_params
    asked = view.asked(query, visitor.when.zone)
    found = await reading.read(visitor.caller, asked.wanted, cursor=cursor, limit=_ROWS)
    made = view.page_of(
        query,
        found,
        asked.faults,
        visitor.when,
        sees_all=visitor.viewer.sees_all,
        exports=visitor.may(Action.AUDIT_EXPORT),
    )
    if wrong:
        made = replace(made, chain=replace(made.chain, wrong=wrong))
    title = "Audit trail broken · Audit" if made.chain.wrong else "Audit"
    status = 422 if asked.faults else 200
    return await page.render(visitor, "audit/page.html", title=title, status=status, audit=made)
