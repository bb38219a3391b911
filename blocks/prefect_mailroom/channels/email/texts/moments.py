"""Write times and sizes for readers of a mail. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo


def moment_words(moment: Any, zone: Any) -> str:
    """Return a time of the facts, such as `Mon 30 Nov 2026, 09:00 CET`; '' where there is none.

    Args:
        moment: in ISO 8601 with its offset, as JSON-ready facts hold it.
        zone: the schedule's IANA zone; UTC where there is none.
    """
    if not moment:
        return ""
    local = datetime.fromisoformat(str(moment)).astimezone(ZoneInfo(str(zone)) if zone else UTC)
    name = local.tzname() or ""
    return f"{local:%a} {local.day} {local:%b %Y, %H:%M} {name if name.isalpha() else f'UTC{local.isoformat()[-6:]}'}"


def size_words(size: int) -> str:
    """Return a size such as `24.1 MB`."""
    if size < 1_000:
        return f"{size} byte{'' if size == 1 else 's'}"
    return f"{size / 1_000:.0f} kB" if size < 1_000_000 else f"{size / 1_000_000:,.1f} MB"
