"""Rendered files to download."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse

from api.http.dependencies import CallerDep, Id, ServicesDep
from api.http.problems import Refusal, documented
from mailroom.rendering import repository as rendering_repository

router = APIRouter(tags=["artifacts"])
MAX_RANGES = 8


@router.get(
    "/artifacts/{artifact_id}/download",
    response_class=FileResponse,
    responses={200: {"description": "The file.", "content": {"application/octet-stream": {}}}, **documented(404, 410)},
)
async def download(artifact_id: Id, request: Request, context: CallerDep, services: ServicesDep) -> Response:
    """The file. Its ETag is its SHA-256; ranges work."""
    async with services.database.session() as session:
        artifact = await rendering_repository.artifact(session, artifact_id)
    path = services.store.path(artifact.sha256)
    if artifact.expires_at <= context.now or not path.is_file():
        remedy = "Run the schedule again, or ask the operator to raise MAILROOM_ARTIFACT_DAYS."
        raise Refusal(
            410, "gone", f"{artifact.filename} expired at {artifact.expires_at:%Y-%m-%d %H:%M} UTC.", remedy=remedy
        )
    if request.headers.get("range", "").count(",") >= MAX_RANGES:
        raise Refusal(416, "ranges", f"More than {MAX_RANGES} ranges were asked for.", remedy="Ask for fewer at once.")
    headers = {
        "ETag": f'"{artifact.sha256}"',
        "Cache-Control": "private, max-age=3600",
        "X-Content-Type-Options": "nosniff",
        # A report is data, never a page of ours: what it holds must not run with our cookies.
        "Content-Security-Policy": "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'",
    }
    if headers["ETag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return FileResponse(path, media_type=artifact.media_type, filename=artifact.filename, headers=headers)
