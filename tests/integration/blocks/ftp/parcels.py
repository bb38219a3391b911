"""A parcel of one file for an FTP server."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prefect_mailroom.channels.base import Parcel, ParcelFile
from prefect_mailroom.channels.ftp.destination import FtpDestination

DUE = datetime(2026, 2, 9, 9, 0, tzinfo=UTC)


def a_parcel(folder: Path, *, content: bytes = b"new", key: str = "key-1", **settings: Any) -> Parcel:
    """Return a parcel with a file of this content; `settings` are its destination's."""
    folder.mkdir(exist_ok=True)
    artifact = folder / "artifact"
    artifact.write_bytes(content)
    file = ParcelFile(artifact, "report.csv", "text/csv", len(content), hashlib.sha256(content).hexdigest())
    destination = FtpDestination(connection="bank", **settings)
    variables: dict[str, Any] = {"report_slug": "sales", "report_name": "Sales", "date": DUE.date(), "due": DUE}
    return Parcel(key, 1, destination.recipients()[0], destination, (file,), variables=variables)
