"""Choose where a log-in or a form leads to: a path of ours, never another site; and stay within a frame. Pure."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.datastructures import Headers
from starlette.types import Scope

HOME = "/schedules"
FRAME = "frame"
"""The name in the query that tells a page to do without header and footer."""
_LONGEST = 1000


def safe_next(wanted: str | None) -> str:
    """Return the path that was asked for, or the home page where it could lead anywhere else.

    Browsers read `\\` as `/`, drop tabs and line breaks, and take `//host` for another host.
    """
    if not wanted or len(wanted) > _LONGEST or not wanted.startswith("/") or wanted.startswith("//"):
        return HOME
    if "\\" in wanted or not wanted.isascii() or not wanted.isprintable() or " " in wanted:
        return HOME
    parts = urlsplit(wanted)
    # Another `//` would matter to whoever strips a part of the path later.
    return HOME if parts.scheme or parts.netloc or "//" in parts.path else wanted


def is_framed(path: str) -> bool:
    """Tell whether an address of ours is that of a page in a frame of another product: it says `frame=1`."""
    return (FRAME, "1") in parse_qsl(urlsplit(path).query)


def framed(path: str) -> str:
    """Return an address of ours for the same page within a frame."""
    if is_framed(path):
        return path
    before, mark, fragment = path.partition("#")
    return f"{before}{'&' if '?' in before else '?'}{FRAME}=1{mark}{fragment}"


def unframed(path: str) -> str:
    """Return an address of ours for the same page in a window of its own."""
    parts = urlsplit(path)
    query = urlencode([one for one in parse_qsl(parts.query, keep_blank_values=True) if one[0] != FRAME])
    return parts._replace(query=query).geturl()


def sends_form(scope: Scope) -> bool:
    """Tell whether a person sends a form of a page, and no program data."""
    accepts = Headers(scope=scope).get("accept", "")
    return scope["method"] == "POST" and "text/html" in accepts and not scope["path"].startswith("/api/")


def came_from(headers: Headers) -> str:
    """Return the page of ours that a form was on, by what the browser says; the home page where that is no page of
    ours.
    """
    try:
        parts = urlsplit(headers.get("referer", ""))
    except ValueError:
        return HOME
    if parts.netloc.lower() != headers.get("host", "").lower():
        return HOME
    return safe_next(f"{parts.path}?{parts.query}" if parts.query else parts.path)
