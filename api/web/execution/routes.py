"""The page of one run: what became of it, live while it goes on; fetch a file of it."""

from __future__ import annotations

import hashlib
from urllib.parse import urlencode

from fastapi import APIRouter, Response
from fastapi.responses import FileResponse

from api.actions.artifacts.actions import find
from api.actions.executions import actions as executions
from api.actions.executions.retry import refusal
from api.actions.executions.views import ExecutionDetail
from api.http.dependencies import Id
from api.http.permission import may
from api.http.sandbox import SANDBOX
from api.web import page, refusals
from api.web.execution.offers import Rights, may_retry
from api.web.execution.view import RunPage, page_of
from api.web.visitor import Visitor, VisitorDep
from mailroom.access.permissions import Action

router = APIRouter(prefix="/executions/{execution_id}", include_in_schema=False)


def rights_of(visitor: Visitor, owner_id: str) -> Rights:
    """Return what the visitor may do with the runs of a schedule."""
    retry = visitor.may(Action.EXECUTION_RETRY, owner_id, of_thing=True)
    return Rights(
        retry=retry,
        correct=visitor.may(Action.EXECUTION_CORRECT, owner_id, of_thing=True),
        run=visitor.may(Action.SCHEDULE_BACKFILL, owner_id, of_thing=True),
        download=visitor.may(Action.ARTIFACT_DOWNLOAD, owner_id, of_thing=True),
        prefect=retry,
    )


@router.get("", openapi_extra=may(Action.EXECUTION_READ))
async def show(execution_id: Id, visitor: VisitorDep, seen: str = "") -> Response:
    """Show a run, or its live part, unless that shows what was seen already."""
    detail = await executions.read(visitor.caller, execution_id)
    rights = rights_of(visitor, detail.owner)
    refused = await refusal(visitor.caller, execution_id) if rights.retry and may_retry(detail) else None
    no_retry = refusals.words(refused).sentence if refused else ""
    view = page_of(detail, visitor.when, rights, no_retry=no_retry)
    version = _version(detail, view)
    if page.wants_part(visitor.request) and version and version == seen:
        return page.unchanged()
    query = ({"seen": version} if version else {}) | ({"frame": "1"} if visitor.framed else {})
    return await page.render(
        visitor,
        "execution/page.html",
        part="execution/live.html",
        title=f"{view.chip.words} · {view.heading}",
        run=view,
        here=f"/executions/{execution_id}{'?frame=1' if visitor.framed else ''}",
        live=f"/executions/{execution_id}?{urlencode(query)}".rstrip("?"),
    )


def _version(detail: ExecutionDetail, view: RunPage) -> str:
    """Return a digest of what the page shows of a run that has ended; "" for one that goes on, whose age changes."""
    if view.every != "60s":
        return ""
    return hashlib.sha256(f"{detail.model_dump_json()} {view.no_retry}".encode()).hexdigest()[:16]


@router.get("/files/{artifact_id}", openapi_extra=may(Action.ARTIFACT_DOWNLOAD))
async def fetch(execution_id: Id, artifact_id: Id, visitor: VisitorDep) -> Response:
    """Send a file of a run."""
    file = await find(visitor.caller, artifact_id)
    headers = {**SANDBOX, "Cache-Control": "private, no-store"}
    return FileResponse(file.path, media_type=file.media_type, filename=file.filename, headers=headers)
