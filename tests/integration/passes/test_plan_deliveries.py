"""The deliveries of an execution are planned once, however many passes are at it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from mailroom.executions import repository as executions
from mailroom.passes.deliver import plan
from mailroom.schedules.spec import stored_spec
from mailroom.storage.database import Database, new_id
from mailroom.storage.tables import Delivery, Schedule
from tests.integration.conftest import NOW


async def test_two_passes_at_once_plan_the_same_deliveries(ledger: Database, schedule: Schedule) -> None:
    """As when a process slept until its run was given to another one."""
    async with ledger.session() as session:
        execution = await executions.insert_occurrence(session, schedule.id, NOW, flow_run_id=new_id(), now=NOW)
    both_have_looked = asyncio.Barrier(2)

    async def one_pass() -> Sequence[Delivery]:
        planned = plan(execution, stored_spec(schedule), now=NOW)
        async with ledger.session() as session:
            assert not await executions.deliveries_of(session, [execution.id])
            await both_have_looked.wait()
            return await executions.plan_deliveries(session, execution.id, planned)

    first, second = await asyncio.gather(one_pass(), one_pass())
    assert [row.id for row in first] == [row.id for row in second]
    assert [row.recipient for row in first] == ["ada@example.com", "bob@example.com"]
    assert first[0].receipt is None
