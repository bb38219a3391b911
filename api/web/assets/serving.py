"""Serve what was packed, under names that change with the content, so that browsers keep each file for a year."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from fastapi import APIRouter, Request, Response

from api.web.assets.packed import STATIC, manifest
from mailroom.errors import NotFound

router = APIRouter(include_in_schema=False)
_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
_KEPT = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}


@cache
def _content(name: str) -> bytes:
    return (STATIC / name).read_bytes()


@router.api_route("/static/{name}", methods=["GET", "HEAD"])
async def static(name: str, request: Request) -> Response:
    """Send a packed file, compressed where the browser takes it."""
    if name not in manifest().values():
        raise NotFound("There is no such file.")
    headers = dict(_KEPT)
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        name, headers["Content-Encoding"] = f"{name}.gz", "gzip"
    return Response(_content(name), media_type=_TYPES[Path(name.removesuffix(".gz")).suffix], headers=headers)
