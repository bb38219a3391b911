"""REST for rendered files."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse

from api.actions.artifacts.actions import find
from api.http.dependencies import CallerDep, Id
from api.http.permission import may
from api.http.problems import Refusal, documented
from api.http.sandbox import SANDBOX
from mailroom.access.permissions import Action
from mailroom.versions import etag_of

router = APIRouter(tags=["artifacts"])
MAX_RANGES = 8


@router.get(
    "/artifacts/{artifact_id}/download",
    response_class=FileResponse,
    responses={200: {"description": "The file.", "content": {"application/octet-stream": {}}}, **documented(404, 410)},
    openapi_extra=may(Action.ARTIFACT_DOWNLOAD),
)
async def download(artifact_id: Id, request: Request, caller: CallerDep) -> Response:
    """Download a file. Its ETag is its SHA-256; byte ranges are supported."""
    file = await find(caller, artifact_id)
    if request.headers.get("range", "").count(",") >= MAX_RANGES:
        raise Refusal(
            416, "ranges", f"More than {MAX_RANGES} ranges were asked for.", remedy=("Ask for fewer ranges at once.")
        )
    headers = {**SANDBOX, "ETag": etag_of(file.sha256), "Cache-Control": "private, max-age=3600"}
    if headers["ETag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return FileResponse(file.path, media_type=file.media_type, filename=file.filename, headers=headers)
