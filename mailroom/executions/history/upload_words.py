"""Say how far an upload is. Pure: pages, the command line and the log say it in the same words."""

from __future__ import annotations

_STEPS = (("TB", 1000**4), ("GB", 1000**3), ("MB", 1000**2), ("kB", 1000))


def of_bytes(sent: int, total: int) -> str:
    """Return how much of how much, both in the unit of the whole, such as "62 of 214 MB"."""
    unit, factor = next(((unit, factor) for unit, factor in _STEPS if total >= factor), ("bytes", 1))
    digits = 0 if factor == 1 or total >= 10 * factor else 1
    return f"{sent / factor:.{digits}f} of {total / factor:.{digits}f} {unit}"
