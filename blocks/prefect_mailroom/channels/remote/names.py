"""Make the temporary names of the files of an attempt. Pure."""

from __future__ import annotations

import hashlib
from pathlib import PurePosixPath

from prefect_mailroom.channels.files.names import cut

_LEFTOVERS = 50
"""Look after the files of so many earlier attempts; each costs a request to the server."""


def temporary(path: PurePosixPath, key: str, attempt: int) -> PurePosixPath:
    """Return the temporary path of one attempt, in the same folder, hidden from whoever looks for `*`."""
    digest = hashlib.sha256(f"{key}/{path}".encode()).hexdigest()[:8]
    return path.with_name(f".{cut(path.name)}.{digest}-{attempt}.part")


def leftovers(path: PurePosixPath, key: str, attempt: int) -> list[PurePosixPath]:
    """Return the temporary paths that earlier attempts of this key may have left."""
    return [temporary(path, key, earlier) for earlier in range(max(1, attempt - _LEFTOVERS), attempt)]
