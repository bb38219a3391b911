"""Serve what was packed, under names that change with the content, so that browsers keep each file for a year."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from fastapi import APIRouter, Request, Response

from api.web.assets.packed import STATIC, read_manifest
from mailroom.errors import NotFound

_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
_KEPT = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}


def serve(folder: Path) -> APIRouter:
    """Return the route of the files that were packed into a folder; each is read once."""
    found = APIRouter(include_in_schema=False)

    @cache
    def names() -> frozenset[str]:
        return frozenset(read_manifest(folder).values())

    @cache
    def content(name: str) -> bytes:
        return (folder / name).read_bytes()

    @found.api_route("/static/{name}", methods=["GET", "HEAD"])
    async def static(name: str, request: Request) -> Response:
        """Send a packed file, compressed where the browser takes it."""
        if name not in names():
            raise NotFound("There is no such file.")
        headers = dict(_KEPT)
        media_type = _TYPES[Path(name).suffix]
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            name, headers["Content-Encoding"] = f"{name}.gz", "gzip"
        return Response(content(name), media_type=media_type, headers=headers)

    return found


router = serve(STATIC)
