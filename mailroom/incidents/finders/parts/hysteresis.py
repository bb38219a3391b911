"""Know what is open already, so that a trouble does not come and go while a figure moves around its limit.

What opens at a limit stays open until there is some room again. What nobody can see now stays as it is: it is found
again where it is open, and is not where it is not.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.incidents.spec import IncidentKind, Severity, Trouble
from mailroom.storage.model.upkeep.incidents import Incident


async def still_open(session: AsyncSession, kind: IncidentKind) -> dict[str, Trouble]:
    """Return the troubles of the incidents of this kind that are open, by subject, as they were last found."""
    columns = (Incident.subject, Incident.severity, Incident.values, Incident.owner_id)
    rows = await session.execute(select(*columns).where(Incident.kind == kind, Incident.resolved_at.is_(None)))
    return {
        subject: Trouble(kind, subject, Severity(severity), values, owner_id)
        for subject, severity, values, owner_id in rows
    }
