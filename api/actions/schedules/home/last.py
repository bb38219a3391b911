"""Find the last run of a schedule that has ended, as the list of schedules shows it."""

from __future__ import annotations

from api.actions.caller import Caller
from mailroom.schedules import repository as stored


async def last_run(caller: Caller, schedule_id: str) -> str | None:
    """Return the id of the last execution that has ended, as lists show it; None where none has.

    Raises:
        NotFound: there is no such schedule.
    """
    async with caller.session() as session:
        row = await stored.get(session, schedule_id, viewer=caller.viewer, undoable_at=caller.context.now)
        return row.last_execution_id
