"""Choose where a log-in leads to afterwards: a path of ours, never another site. Pure."""

from __future__ import annotations

from urllib.parse import urlsplit

HOME = "/account"
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
