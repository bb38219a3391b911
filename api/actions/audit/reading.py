"""Read the audit trail as a page shows it: entries with the names of their things, and how the trail stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from api.actions.audit.actions import view_of
from api.actions.audit.views import AuditView
from api.actions.caller import Caller
from mailroom.access import repository as access
from mailroom.audit import repository as audit
from mailroom.audit.repository import AuditFilter
from mailroom.audit.sealing import standing
from mailroom.audit.sealing.standing import Standing
from mailroom.audit.sealing.verify import Verdict
from mailroom.errors import NotFound
from mailroom.schedules import repository as schedules
from mailroom.storage.tables import AuditEvent

Thing = tuple[str, str]
"""The kind of a thing and its id."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A page of entries, newest first. `names` has what its things are called, as far as they have names."""

    items: list[AuditView]
    next_cursor: str | None
    names: Mapping[Thing, str]
    standing: Standing


async def read(caller: Caller, wanted: AuditFilter, *, cursor: str | None, limit: int) -> Reading:
    """Return a page of what was done.

    Raises:
        Forbidden: the caller may not choose by an address.
        Invalid: the cursor is none of this list.
    """
    signed, wrong = await standing.last_checkpoint(caller.services.settings)
    async with caller.session() as session:
        found = await audit.list_page(session, viewer=caller.viewer, wanted=wanted, cursor=cursor, limit=limit)
        names = await _names(session, caller, found.items, wanted)
        stands = await standing.look(session, signed, found.items, wrong=wrong)
    items = [view_of(row, from_where=caller.viewer.sees_all) for row in found.items]
    return Reading(items, found.next_cursor, names, stands)


async def _names(
    session: AsyncSession, caller: Caller, rows: Sequence[AuditEvent], wanted: AuditFilter
) -> dict[Thing, str]:
    """Return the names of what the entries are about; the viewer sees the entries, so the names are no secret."""
    of_schedules = {row.entity_id for row in rows if row.entity_type == "schedule"}
    of_schedules |= {str(row.detail["schedule"]) for row in rows if row.detail.get("schedule")}
    users = {row.entity_id for row in rows if row.entity_type == "user"}
    # What was filtered by is named too, though it may have no entry; but only to who may see it.
    if wanted.entity_id and wanted.entity_type == "schedule":
        of_schedules |= await schedules.visible_among(session, [wanted.entity_id], viewer=caller.viewer)
    found: dict[Thing, str] = {}
    for schedule_id, name in (await schedules.names(session, of_schedules)).items():
        found["schedule", schedule_id] = name
    for user_id in users:
        if (user := await access.find(session, user_id)) is not None:
            found["user", user_id] = user.email
    for team_id in {row.entity_id for row in rows if row.entity_type == "team" and row.action != "deleted"}:
        with suppress(NotFound):  # It was deleted since.
            found["team", team_id] = (await access.team(session, team_id, viewer=caller.viewer)).name
    found |= {
        ("team", row.entity_id): str(row.detail["name"])
        for row in rows
        if row.entity_type == "team" and "name" in row.detail
    }
    return found


async def check_everything(caller: Caller) -> Verdict:
    """Check the whole trail, which takes a second for some ten thousand entries."""
    return await standing.check_everything(caller.services.database, caller.services.settings)
