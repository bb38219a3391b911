"""Serve the metrics, at the root, for Prometheus: with the scrape token, or as somebody who sees everything."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from api.actions.stats.metrics import exposed
from api.http.auth import METRICS
from api.http.dependencies import CallerDep
from api.http.permission import may
from api.http.problems import documented
from mailroom.access.permissions import Action

router = APIRouter(tags=["health"])
_TEXT = {"schema": {"type": "string"}}
_ANSWER = {
    "description": "The metrics, as OpenMetrics for who takes that.",
    "content": {"text/plain": _TEXT, "application/openmetrics-text": _TEXT},
}


@router.get(
    METRICS,
    response_class=Response,
    responses={200: _ANSWER, **documented(401, 403, 503)},
    openapi_extra=may(Action.METRICS_READ),
)
async def metrics(request: Request, caller: CallerDep) -> Response:
    """Return the metrics: the same whichever API process is asked, and a few seconds old at most."""
    content, media_type = await exposed(caller, request.headers.get("accept", ""))
    return Response(content, media_type=media_type, headers={"Cache-Control": "no-store"})
