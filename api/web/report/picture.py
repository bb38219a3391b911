"""Serve the picture of a report: of its first page, or a sketch of its sections while there is none."""

from __future__ import annotations

import hashlib

from fastapi import APIRouter, Request, Response

from api.actions.reports.pictures import picture
from api.http.dependencies import CallerDep, Id
from api.http.permission import may
from api.web.report.sketch import sketch
from mailroom.access.permissions import Action

router = APIRouter(include_in_schema=False)
# Within a picture nothing may run or load; another user of the same browser gets an answer of their own.
_HEADERS = {
    "Content-Security-Policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'",
    "Vary": "Cookie, Authorization",
}
_PICTURE, _SKETCH = "private, max-age=600", "private, no-cache"
"""A sketch is asked for again each time: the picture may be there by then."""


@router.get("/reports/{report_id}/picture", openapi_extra=may(Action.REPORT_PREVIEW))
async def show(report_id: Id, caller: CallerDep, request: Request) -> Response:
    """Show the picture to whoever may see the report's data."""
    definition, found = await picture(caller, report_id)
    content = found if found is not None else sketch(definition).encode()
    media_type, cache = ("image/png", _PICTURE) if found is not None else ("image/svg+xml", _SKETCH)
    etag = f'"{hashlib.sha256(content).hexdigest()[:24]}"'
    headers = {**_HEADERS, "Cache-Control": cache, "ETag": etag}
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=media_type, headers=headers)
