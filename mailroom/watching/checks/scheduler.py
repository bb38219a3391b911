"""Check whether Prefect's scheduler plans runs, by those of the upkeep, which is due each minute. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from mailroom.watching.checks.spec import Check, CheckName, State
from mailroom.watching.signs.prefect import PrefectSigns

_AHEAD = timedelta(minutes=3)
"""Runs are planned at least this far ahead. Prefect plans an hour, `mailroom up` lets it plan 15 minutes."""
_FIRST = timedelta(minutes=2)
"""Prefect may take this long for the first runs of a new deployment."""
_REMEDY = "Look at the log of the Prefect server, and restart it: `prefect server services start` runs its scheduler."


def judge(signs: PrefectSigns, now: datetime) -> Check:
    """Return whether the scheduler plans runs."""
    name = CheckName.SCHEDULER
    if not signs.knows:
        return Check(name, State.UNKNOWN, "Not checked, because Prefect does not say.")
    if signs.planned_until is not None and signs.planned_until >= now + _AHEAD:
        return Check(name, State.OK, f"Runs are planned until {signs.planned_until:%H:%M} UTC.")
    if signs.is_upkeep_paused:
        message = "The deployment `upkeep` is paused, so what it looks after is not done while no API process lives."
        return Check(name, State.WARNING, message, "Resume it in Prefect.")
    if signs.planned_until is None and signs.upkeep_made_at is None:
        return Check(name, State.UNKNOWN, "Prefect has no deployment `upkeep` yet.", "Run `mailroom init`.")
    if signs.upkeep_made_at is not None and now - signs.upkeep_made_at < _FIRST:
        return Check(name, State.UNKNOWN, "The deployment `upkeep` is new, and its runs are not planned yet.")
    return Check(name, State.PROBLEM, "Prefect's scheduler plans no runs, so nothing becomes due.", _REMEDY)
