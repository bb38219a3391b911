"""A parcel for a server for files."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prefect_mailroom.channels.base import Destination, Parcel, ParcelFile

DUE = datetime(2026, 2, 9, 9, 0, tzinfo=UTC)


def parcel_to(
    destination: Destination,
    folder: Path,
    files: Mapping[str, bytes],
    *,
    key: str = "key-1",
    attempt: int = 1,
) -> Parcel:
    """Return a parcel whose files lie in `folder`."""
    made = []
    for name, content in files.items():
        path = folder / f"artifact-{name}"
        path.write_bytes(content)
        made.append(ParcelFile(path, name, "x/y", len(content), hashlib.sha256(content).hexdigest()))
    variables: dict[str, Any] = {"report_slug": "sales", "report_name": "Sales", "date": DUE.date(), "due": DUE}
    return Parcel(key, attempt, destination.recipients()[0], destination, tuple(made), variables=variables)
