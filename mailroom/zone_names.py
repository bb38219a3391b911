"""The time zones that there are."""

from __future__ import annotations

from functools import cache
from zoneinfo import available_timezones


@cache
def known_zones() -> frozenset[str]:
    """Return every zone of the IANA list; it is read from disk once."""
    return frozenset(available_timezones())
