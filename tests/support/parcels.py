"""A parcel for a test of one channel."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prefect_mailroom.channels.base import Destination, Parcel, ParcelFile

DUE = datetime(2026, 2, 9, 9, 0, tzinfo=UTC)


def a_parcel(
    folder: Path,
    destination: Destination,
    files: Mapping[str, bytes],
    *,
    media_type: str = "application/octet-stream",
    key: str = "execution-1:0",
    attempt: int = 1,
    **changes: Any,
) -> Parcel:
    """Return a parcel of these files, which are written to `folder`, for the first recipient of a destination."""
    found = []
    for number, (name, content) in enumerate(files.items()):
        path = folder / f"artifact-{number}"
        path.write_bytes(content)
        found.append(ParcelFile(path, name, media_type, len(content), hashlib.sha256(content).hexdigest()))
    given: dict[str, Any] = {
        "variables": {"report_name": "Sales", "report_slug": "sales", "date": DUE.date(), "due": DUE},
        "facts": {"report": "sales", "rows": 3},
        **changes,
    }
    return Parcel(key, attempt, destination.recipients()[0], destination, tuple(found), **given)
