"""Keep a preview for the frame that shows it: rendered once, asked for by the page and then by its frame.

It is a file of this machine for ten minutes. Where it is gone, or another machine is asked, the preview is made again.
"""

from __future__ import annotations

import hashlib
import re
import time
from contextlib import suppress
from pathlib import Path

from mailroom.settings import Settings

SECONDS = 600.0
_TOKEN = re.compile(r"[0-9a-f]{32}")


def keep(settings: Settings, user_id: str, report_id: str, token: str, html: bytes, took: float) -> None:
    """Keep a preview of this user with the seconds that it took, and remove those that are too old. Blocking."""
    path = _path(settings, user_id, report_id, token)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    oldest = time.time() - SECONDS
    for old in path.parent.iterdir():
        # Another process may remove it at the same time.
        with suppress(FileNotFoundError):
            if old.stat().st_mtime < oldest:
                old.unlink()
    path.write_bytes(f"{took:.3f}\n".encode() + html)


def kept(settings: Settings, user_id: str, report_id: str, token: str) -> tuple[float, bytes] | None:
    """Return the seconds that a preview of this user took, and the preview; None where it is gone. Blocking."""
    if not _TOKEN.fullmatch(token):
        return None
    try:
        took, _, html = _path(settings, user_id, report_id, token).read_bytes().partition(b"\n")
    except FileNotFoundError:
        return None
    return float(took), html


def _path(settings: Settings, user_id: str, report_id: str, token: str) -> Path:
    name = hashlib.sha256(f"{user_id} {report_id} {token}".encode()).hexdigest()
    return settings.data_dir / "shown-previews" / f"{name}.html"
