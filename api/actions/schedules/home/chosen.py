"""Tell what a choice of many schedules comes to, before something is done to them."""

from __future__ import annotations

from dataclasses import dataclass

from api.actions.caller import Caller
from api.actions.schedules.bulk import BulkRequest
from mailroom.schedules.listing import repository as listed
from mailroom.schedules.listing.choice import EVERYTHING
from mailroom.schedules.listing.repository import Chosen


@dataclass(frozen=True, slots=True)
class Asking:
    """A choice, with the first of its names."""

    chosen: Chosen
    names: tuple[str, ...]


async def asking(caller: Caller, wanted: BulkRequest, *, shown: int) -> Asking:
    """Return what the choice comes to, as the caller sees it, and so many of its names."""
    choice = wanted.filter.choice() if wanted.filter is not None else EVERYTHING
    async with caller.session() as session:
        chosen = await listed.chosen(session, choice, wanted.ids, viewer=caller.viewer)
        names = await listed.names(session, choice, wanted.ids, viewer=caller.viewer, limit=shown)
    return Asking(chosen, names)
