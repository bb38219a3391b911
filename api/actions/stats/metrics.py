"""Tell the figures of the installation, as metrics and as a view."""

from __future__ import annotations

from api.actions.caller import Caller
from api.actions.stats.figures import FiguresView, figures_view
from mailroom.access.permissions import Action
from mailroom.watching.figures.exposition import exposition


async def exposed(caller: Caller, accept: str) -> tuple[bytes, str]:
    """Return the metrics as a scraper takes them, and their media type.

    Raises:
        Forbidden: the caller does not see everything.
    """
    caller.viewer.require(Action.METRICS_READ)
    found = await caller.services.snapshots.latest(caller.services.database, now=caller.context.now)
    return exposition(found, accept)


async def figures_for(caller: Caller) -> FiguresView | None:
    """Return the figures; None for who does not see everything, since they are of the whole installation."""
    if not caller.viewer.may(Action.METRICS_READ):
        return None
    return figures_view(await caller.services.snapshots.latest(caller.services.database, now=caller.context.now))
