"""Ask the condition of a schedule about what was rendered for one of its executions."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.executions.conditions.spec import Condition
from mailroom.executions.reasons import Reason
from mailroom.passes.conditions.decide import why_not
from mailroom.passes.conditions.kept import DataKept
from mailroom.passes.conditions.last_delivered import last_delivered
from mailroom.schedules.spec import ScheduleSpec
from mailroom.states import ExecutionKind
from mailroom.storage.tables import Execution


def heeds(execution: Execution) -> bool:
    """Tell whether the schedule's condition holds for an execution. Pure.

    A correction is sent whatever its data is like: whoever got the wrong report is to know. So is a test, which only
    the tester gets, who wants to see it.
    """
    return execution.corrects is None and execution.kind is not ExecutionKind.TEST


async def why_withheld(
    session: AsyncSession, execution: Execution, spec: ScheduleSpec, data: DataKept
) -> Reason | None:
    """Return the reason why nothing is sent, None where it is; nothing is read but where the condition compares.

    Raises:
        ConditionOpen: the data does not say whether the condition holds.
    """
    condition: Condition = spec.condition
    if not heeds(execution):
        return None
    last = None
    if condition.rule == "changed":
        last = await last_delivered(session, execution.schedule_id, before=execution.due_at, besides=execution.id)
    return why_not(condition, data, last)
