"""Find the longest time in which nothing was accepted although something was due. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

Look = tuple[float, bool]
"""A moment, and whether something was due then."""


def longest_stall(looks: Sequence[Look], accepted: Sequence[float]) -> float:
    """Return the seconds of the longest such time.

    Args:
        looks: in order; what one saw counts until the next one.
        accepted: when something was accepted, in any order and unit of `looks`.
    """
    moments = sorted(accepted)
    longest = since = 0.0
    stalled = False
    position = 0
    for (start, due), (end, _) in pairwise(looks):
        if not due:
            stalled = False
            continue
        if not stalled:
            stalled, since = True, start
        while position < len(moments) and moments[position] <= start:
            position += 1
        while position < len(moments) and moments[position] <= end:
            longest = max(longest, moments[position] - since)
            since = moments[position]
            position += 1
        longest = max(longest, end - since)
    return longest
