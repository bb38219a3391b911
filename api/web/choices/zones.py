"""Offer time zones to choose from, each with what its clocks show now. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from api.web.parts import Option
from api.web.when import abbreviation, zone_of
from mailroom.timing.model import known_zones

_REGIONS = (
    *("Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific"),
)


def zone_options(now: datetime, *, first: Iterable[str] = ()) -> tuple[Option, ...]:
    """Return every time zone by region.

    Args:
        first: those that stand on top, such as the reader's own; UTC follows them.
    """
    known = known_zones()
    top = [name for name in dict.fromkeys([*first, "UTC"]) if name in known]
    rest = sorted(name for name in known - set(top) if name.partition("/")[0] in _REGIONS and "/" in name)
    return (
        *(Option(name, zone_words(name, now), group="Often used") for name in top),
        *(Option(name, zone_words(name, now), group=name.partition("/")[0]) for name in rest),
    )


def zone_words(name: str, now: datetime) -> str:
    """Return a zone and its clock now, such as "Europe/Berlin (now CET, UTC+01:00)"."""
    local = now.astimezone(zone_of(name))
    digits = local.strftime("%z")
    offset = f"UTC{digits[:3]}:{digits[3:5]}"
    short = abbreviation(local)
    clock = short if short.startswith("UTC") and short != "UTC" else f"{short}, {offset}"
    return f"{name.replace('_', ' ')} (now {clock})"
