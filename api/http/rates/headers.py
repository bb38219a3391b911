"""Say in an answer how much of a rate is left: draft-ietf-httpapi-ratelimit-headers-10, and `Retry-After`. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from api.http.rates.counting import Count


def rate_headers(counts: Sequence[Count]) -> dict[str, str]:
    """Return `RateLimit-Policy` and `RateLimit` of what a request was counted for; none where nothing was."""
    if not counts:
        return {}
    return {
        "RateLimit-Policy": ", ".join(f'"{one.rate.name}";q={one.rate.amount};w={one.rate.seconds}' for one in counts),
        "RateLimit": ", ".join(f'"{one.rate.name}";r={one.remaining};t={one.room_in}' for one in counts),
    }


def exceeded(counts: Iterable[Count]) -> Count | None:
    """Return the count that refuses a request, the one with the longest wait; None where it may go on."""
    return max((one for one in counts if not one.allowed), key=lambda one: one.room_in, default=None)
