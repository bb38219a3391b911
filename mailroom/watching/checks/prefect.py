"""Check whether Prefect answers, with our version and our clock. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from importlib.metadata import version

from mailroom.settings import Settings
from mailroom.watching.checks.spec import Check, CheckName, State
from mailroom.watching.signs.prefect import PrefectSigns
from mailroom.watching.signs.written import SeenOfPrefect

_MOST_SKEW = 5.0
_BUSY = 4
"""Prefect may be busy this many times longer than it may be silent: a crowded minute passes."""
_STEADY = timedelta(seconds=15)
"""Prefect must have answered for this long without a miss before its silence is over."""


@cache
def installed() -> str:
    """Return the version of Prefect that this process works with."""
    return version("prefect")


def answering(signs: PrefectSigns, here: str, heard_at: datetime | None) -> Check:
    """Return whether Prefect answers, and is the same Prefect as is installed here."""
    if not signs.answers:
        message = f"Prefect does not answer ({signs.error}); changes are stored and applied later."
        remedy = "Start it with `mailroom up`, or set MAILROOM_PREFECT_API_URL."
        return Check(CheckName.PREFECT, State.PROBLEM, message, remedy, since=heard_at)
    if signs.version != here:
        message = f"The server runs Prefect {signs.version}, but {here} is installed here."
        return Check(CheckName.PREFECT, State.PROBLEM, message, "Run the same version at both ends.")
    if not signs.knows:
        message = f"Prefect answers, but is too busy to say what it holds ({signs.busy})."
        return Check(CheckName.PREFECT, State.WARNING, message, "Look at its log, and at its database.", since=heard_at)
    return Check(CheckName.PREFECT, State.OK, signs.version)


def clock(signs: PrefectSigns) -> Check:
    """Return whether Prefect's clock agrees with ours."""
    if not signs.answers:
        return Check(CheckName.CLOCK, State.UNKNOWN, "Not checked, because Prefect does not answer.")
    if signs.skew is None:
        return Check(CheckName.CLOCK, State.WARNING, "Prefect does not send its time.")
    if abs(signs.skew) > _MOST_SKEW:
        message = f"Prefect's clock differs from ours by {abs(signs.skew):.0f} s."
        return Check(CheckName.CLOCK, State.PROBLEM, message, "Synchronise both clocks.")
    return Check(CheckName.CLOCK, State.OK, "Prefect's clock agrees with ours.")


def is_silent(seen: SeenOfPrefect, settings: Settings, now: datetime, *, was_silent: bool) -> bool:
    """Tell whether Prefect has answered nobody for too long; once it was so, it must answer steadily to end that.

    What only the upkeep heard may be a minute old when an API process starts: silence counts from when that one asks.
    """
    if seen.watched_since is None and not was_silent:
        return False
    heard = max(seen.heard_at or seen.asked_since, seen.watched_since or seen.asked_since)
    limit = timedelta(seconds=settings.prefect_silent_seconds) * (_BUSY if seen.signs.busy else 1)
    if not was_silent:
        return now - heard > limit
    return now - heard > limit / 2 or seen.steady_since is None or now - seen.steady_since < min(_STEADY, limit / 2)
