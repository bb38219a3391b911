"""Headers of what a report made: it is data, never a page of ours, so nothing in it may run with our cookies."""

from __future__ import annotations

from fastapi.responses import HTMLResponse

from mailroom.settings import Settings

SANDBOX = {
    "Content-Security-Policy": "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'",
    "X-Content-Type-Options": "nosniff",
}


def sandboxed(html: str | bytes, settings: Settings) -> HTMLResponse:
    """Answer with what a report made, to be shown in a frame of our own pages, wherever those may be framed."""
    policy = SANDBOX["Content-Security-Policy"]
    ancestors = " ".join(filter(None, ("'self'", settings.frame_ancestors)))
    headers = {
        **SANDBOX,
        "Content-Security-Policy": f"{policy}; frame-ancestors {ancestors}",
        "Cache-Control": "private, no-store",
    }
    return HTMLResponse(html, headers=headers)
