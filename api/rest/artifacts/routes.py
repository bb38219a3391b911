"""REST for rendered files."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Header, Response
from fastapi.responses import FileResponse

from api.actions.artifacts.actions import find
from api.http.dependencies import CallerDep, Id
from api.http.permission import may
from api.http.problems import documented
from api.http.sandbox import SANDBOX
from api.rest.artifacts.ranges import require_ranges
from mailroom.access.permissions import Action
from mailroom.versions import etag_of

router = APIRouter(tags=["artifacts"])
_FILE: dict[str, Any] = {"content": {"*/*": {}}}


@router.get(
    "/artifacts/{artifact_id}/download",
    response_class=FileResponse,
    responses={
        200: {"description": "The file, with its own media type.", **_FILE},
        206: {"description": "The ranges that were asked for.", **_FILE},
        304: {"description": "The file is the one that you have."},
        **documented(410, 416),
    },
    openapi_extra=may(Action.ARTIFACT_DOWNLOAD),
)
async def download(
    artifact_id: Id,
    caller: CallerDep,
    ranges: Annotated[str | None, Header(alias="Range", description="Such as `bytes=0-499`.")] = None,
    if_range: Annotated[str | None, Header(description="The ETag of which `Range` is a part.")] = None,
    if_none_match: Annotated[str | None, Header(description="The ETag of the file that you have.")] = None,
) -> Response:
    """Download a file. Its ETag is its SHA-256; byte ranges are supported."""
    file = await find(caller, artifact_id)
    headers = {**SANDBOX, "ETag": etag_of(file.sha256), "Cache-Control": "private, max-age=3600"}
    if ranges is not None and (if_range is None or if_range == headers["ETag"]):
        require_ranges(ranges, file.size)
    if headers["ETag"] in (if_none_match or ""):
        return Response(status_code=304, headers=headers)
    return FileResponse(file.path, media_type=file.media_type, filename=file.filename, headers=headers)
