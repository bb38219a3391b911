"""The deliveries of an execution are planned once, however many passes are at it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from mailroom.executions import deliveries as delivery_repository
from mailroom.executions import lifecycle
from mailroom.passes.planned.deliveries import plan
from mailroom.schedules.spec import read_targets, stored_spec
from mailroom.states import ExecutionKind
from mailroom.storage.database import Database, new_id
from mailroom.storage.tables import Delivery, Schedule
from prefect_mailroom.errors import MailroomError
from tests.integration.conftest import NOW


async def test_two_passes_at_once_plan_the_same_deliveries(ledger: Database, schedule: Schedule) -> None:
    """As when a process slept until its run was given to another one."""
    async with ledger.session() as session:
        execution = await lifecycle.insert_occurrence(session, schedule.id, NOW, flow_run_id=new_id(), now=NOW)
    both_have_looked = asyncio.Barrier(2)

    async def one_pass() -> Sequence[Delivery]:
        planned = plan(execution, stored_spec(schedule), now=NOW)
        async with ledger.session() as session:
            assert not await delivery_repository.deliveries_of(session, [execution.id])
            await both_have_looked.wait()
            return await delivery_repository.plan_deliveries(session, execution.id, planned)

    first, second = await asyncio.gather(one_pass(), one_pass())
    assert [row.id for row in first] == [row.id for row in second]
    assert [row.recipient for row in first] == ["ada@example.com", "bob@example.com"]
    assert first[0].receipt is None


@pytest.mark.parametrize("ledger", ["postgres"], indirect=True)
async def test_a_test_of_the_longest_path_can_be_planned(ledger: Database, schedule: Schedule) -> None:
    path = f"{'/'.join(['a' * 100] * 4)}/{'b' * 71}/{{report_slug}}.{{ext}}"
    with pytest.raises(MailroomError, match=r"destinations\.0\.path"):
        read_targets([{"channel": "folder", "connection": "shared", "path": f"b{path}"}])
    destination = {"channel": "folder", "connection": "shared", "path": path}
    spec = stored_spec(schedule).model_copy(update={"destinations": [destination]})
    async with ledger.session() as session:
        execution = await lifecycle.insert_occurrence(session, schedule.id, NOW, flow_run_id=new_id(), now=NOW)
        execution.kind, execution.test_recipient = ExecutionKind.TEST, "ada@example.com"
        planned = plan(execution, spec, now=NOW)
        (stored,) = await delivery_repository.plan_deliveries(session, execution.id, planned)
    assert stored.recipient.endswith(path)
