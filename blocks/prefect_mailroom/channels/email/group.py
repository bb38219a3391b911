"""Decide what becomes of one mail to several recipients when the server refuses some of them. Pure."""

from __future__ import annotations

from collections.abc import Sequence

PATIENCE = 3
"""The attempt from which a group no longer waits for a member who cannot get the mail at the moment."""


def goes_out(refusals: Sequence[int], people: int, *, attempt: int) -> bool:
    """Tell whether the mail goes out to the others.

    Those whom the server refuses for good never hold it up. For one whom it refuses for the moment everybody waits,
    since the mail is one and nobody may get it twice; but not for ever.

    Args:
        refusals: the codes of the refusals.
        people: how many recipients the mail has.
    """
    if len(refusals) >= people:
        return False
    return attempt >= PATIENCE or all(code >= 500 for code in refusals)
