"""List time zones as options: the nearest first, then all by region."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import lru_cache

from api.web.parts import Option
from api.web.when import abbreviation, zone_of
from mailroom.timing.words import offset_words
from mailroom.zone_names import known_zones

_NEAR = "Yours and those in use"
_LEFT_OUT = ("posix/", "right/", "SystemV/", "Etc/")
_MOST_NEAR = 12


def zone_options(mine: str, used: Iterable[str], now: datetime) -> tuple[Option, ...]:
    """Return the zones: the user's own, UTC and those of schedules, then all by region."""
    near = list(dict.fromkeys([mine, "UTC", *sorted(used)]))[:_MOST_NEAR]
    first = tuple(Option(name, zone_label(name, now), group=_NEAR) for name in near if name in known_zones())
    there = set(near)
    rest = _every(now.replace(minute=0, second=0, microsecond=0))
    return (*first, *(option for option in rest if option.value not in there))


def zone_label(name: str, now: datetime) -> str:
    """Return a zone with what it is now, such as "Europe/Berlin (now CET, UTC+01:00)"."""
    local = now.astimezone(zone_of(name))
    offset = "UTC" if local.utcoffset() == timedelta() else f"UTC{offset_words(local)}"
    short = abbreviation(local)
    return f"{name} (now {offset})" if short.startswith("UTC") else f"{name} (now {short}, {offset})"


@lru_cache(2)
def _every(now: datetime) -> tuple[Option, ...]:
    """Return all zones that have a region; made once an hour, since each zone is read from disk."""
    names = sorted(name for name in known_zones() if "/" in name and not name.startswith(_LEFT_OUT))
    return tuple(Option(name, zone_label(name, now), group=name.partition("/")[0]) for name in names)
