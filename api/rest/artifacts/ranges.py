"""Read `Range` before a file is sent, so that a wrong one is refused as a problem and not in the framework's words."""

from __future__ import annotations

import re

from api.http.problems import Refusal

MAX_RANGES = 8
_RANGES = re.compile(r"bytes\s*=\s*((\d{1,18}-\d{0,18}|-\d{1,18})\s*(,\s*(?=\S)|$))+", re.IGNORECASE | re.ASCII)


def require_ranges(given: str, size: int) -> None:
    """Refuse what is no `Range` of a file of this size. Pure.

    Raises:
        Refusal: 416, with the size of the file in `Content-Range`.
    """
    if given.count(",") >= MAX_RANGES:
        _refuse(f"More than {MAX_RANGES} ranges were asked for.", "Ask for fewer ranges at once.", size)
    if not _RANGES.fullmatch(given.strip()):
        _refuse("The Range header cannot be read.", "Write it as bytes=0-499.", size)
    for part in given.partition("=")[2].split(","):
        first, _, last = part.strip().partition("-")
        start = int(first) if first else size - min(int(last), size)
        if start >= size or (first and last and int(last) < start):
            _refuse(f"The file has {size:,} bytes, and the range is not in it.", "Ask for bytes that are there.", size)


def _refuse(detail: str, remedy: str, size: int) -> None:
    raise Refusal(416, "ranges", detail, remedy=remedy, headers={"Content-Range": f"bytes */{size}"})
