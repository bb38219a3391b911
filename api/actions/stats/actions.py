"""Prove that everything that was due is in the ledger."""

from __future__ import annotations

from datetime import datetime, timedelta

from api.actions.caller import Caller
from api.actions.stats.metrics import figures_for
from api.actions.stats.views import StatsView
from mailroom.errors import Invalid
from mailroom.ledger.figures import figures
from mailroom.schedules.watchdog import GRACE

LONGEST = timedelta(days=31)


async def stats(caller: Caller, *, since: datetime | None, until: datetime | None) -> StatsView:
    """Work out what was due in a period, and compare it with the ledger; by default the last day.

    Raises:
        Invalid: it is not a period of at most 31 days.
    """
    now = caller.context.now
    last = min(until or now - GRACE, now)
    try:
        first = since or last - timedelta(days=1)
        too_long = last - first > LONGEST
    except OverflowError as error:
        raise Invalid.at("until", "This time is outside the calendar.", "Give a year such as 2026.") from error
    if first > last or too_long:
        raise Invalid.at(
            "since", "`since` and `until` must span at most 31 days, with `since` first.", ("Ask for a shorter period.")
        )
    async with caller.session() as session:
        found = StatsView.model_validate(await figures(session, viewer=caller.viewer, since=first, until=last))
    return found.model_copy(update={"figures": await figures_for(caller)})
