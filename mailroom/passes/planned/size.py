"""Refuse files that are too large together, before any of them is planned to be sent."""

from __future__ import annotations

from collections.abc import Sequence

from mailroom.limits.spec import Limits
from mailroom.reports.errors import LimitExceeded
from mailroom.storage.tables import Artifact


def require_size(files: Sequence[Artifact], limits: Limits) -> None:
    """Refuse what is larger than its owner may have delivered at once. Pure.

    Raises:
        LimitExceeded: it is.
    """
    size = sum(file.size for file in files)
    if size > limits.delivered_mb * 1_000_000:
        raise LimitExceeded(
            f"The files are {size:,} bytes together, and {limits.delivered_mb:,} MB may be delivered at once.",
            limit="delivered_mb",
            remedy=f"Narrow the parameters, choose fewer formats, or ask {limits.contact} for more.",
        )
