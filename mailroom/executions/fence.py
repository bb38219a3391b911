"""Fence passes off from one another: `pass_count` is the number of the pass that may write.

Each pass that begins gets the next number. A pass that slept past its lease carries an older one, so that nothing which
it writes can touch what its successor does. Receipts alone are exempt: what the far side confirmed is the truth.
"""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from mailroom.executions import repository as executions
from mailroom.storage.tables import Execution


class PassLost(Exception):
    """Another pass has taken the execution over: this one must stop and write nothing more."""


def check(execution: Execution, pass_number: int) -> None:
    """Refuse to go on where another pass has begun.

    Raises:
        PassLost: the execution belongs to another pass.
    """
    if execution.pass_count != pass_number:
        raise PassLost(f"Pass {pass_number} over execution {execution.id} was followed by {execution.pass_count}.")


async def hold_for(session: AsyncSession, execution_id: str, pass_number: int) -> Execution:
    """Lock the execution for a write of its pass; no other pass begins until the transaction ends.

    Raises:
        PassLost: the execution belongs to another pass.
    """
    execution = await executions.get(session, execution_id, lock=True)
    check(execution, pass_number)
    return execution
