"""Make the fields by which a connection limits how much leaves through it; every channel has them.

The limits hold for all processes together. A channel with other defaults declares the fields again.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

USUAL_SESSIONS = 4
"""So many deliveries are under way at once through a connection whose channel says nothing else."""


def rate(default: float | None) -> Any:
    """Return the field `max_per_second`."""
    return Field(
        default=default,
        gt=0,
        le=1000,
        description=(
            "How many deliveries may begin in a second through this connection, over all processes; 0.1 is one every "
            "10 seconds. Null sets no limit."
        ),
    )


def sessions(default: int) -> Any:
    """Return the field `max_sessions`."""
    return Field(
        default=default,
        ge=1,
        le=100,
        description="How many deliveries may be under way at once through this connection, over all processes.",
    )
