"""Headers of what a report made: it is data, never a page of ours, so nothing in it may run with our cookies."""

from __future__ import annotations

SANDBOX = {
    "Content-Security-Policy": "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'",
    "X-Content-Type-Options": "nosniff",
}
