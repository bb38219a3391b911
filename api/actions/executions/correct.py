"""Correct a wrong report: send it again, rendered anew and marked so, to those who got the wrong one."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from api.actions.caller import Caller, Remember, forget
from api.actions.executions.actions import read
from api.actions.executions.detail import execution_detail
from api.actions.executions.views import ExecutionDetail
from mailroom.passes.correcting.ask import CorrectionRequest, ask


async def correct(
    caller: Caller, execution_id: str, wanted: CorrectionRequest, remember: Remember[ExecutionDetail] = forget
) -> ExecutionDetail:
    """Store the correction of an execution, and hand it to Prefect; return the correction.

    Raises:
        NotFound: there is none of that id.
        Conflict: it has not ended, was corrected already, or nobody got it; or nothing may be sent now.
        TooOften: the caller has asked for as many runs within the hour as a user may.
    """

    async def change(session: AsyncSession) -> str:
        correction = await ask(session, execution_id, wanted, caller.context)
        await remember(session, await execution_detail(session, correction, caller.context))
        return correction.id

    correction_id = await caller.transact(change)
    await caller.services.reconciler.settle_execution(correction_id)
    return await read(caller, correction_id)
