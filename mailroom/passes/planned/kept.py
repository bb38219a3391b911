"""Tell whether what an execution planned to send is kept still, before a person asks for another try."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.passes.planned.plan import Plan
from mailroom.rendering import repository as renderings
from mailroom.storage.tables import Execution


async def files_are_kept(session: AsyncSession, execution: Execution) -> bool:
    """Tell whether another pass would find what the first one rendered; one that rendered nothing renders anew."""
    if execution.plan is None:
        return True
    plan = Plan.model_validate(execution.plan)
    return len(await renderings.by_ids(session, plan.renderings)) == len(plan.renderings)
