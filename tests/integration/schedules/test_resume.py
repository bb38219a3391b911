"""A schedule is resumed only while it fits its report, whatever an earlier version of Mailroom stored of that."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update

from mailroom.context import Context
from mailroom.errors import Conflict
from mailroom.schedules import service as schedules
from mailroom.settings import Settings
from mailroom.states import ScheduleState
from mailroom.storage.database import Database
from mailroom.storage.tables import Report, Schedule, User
from tests.integration.conftest import NOW


@pytest.mark.parametrize("definition", [{}, {"id": "sales", "title": "Sales", "formats": ["fax"]}])
async def test_a_report_that_cannot_be_read_any_more_is_said(
    ledger: Database, schedule: Schedule, definition: dict[str, object]
) -> None:
    async with ledger.session() as session:
        await session.execute(update(Schedule).values(state=ScheduleState.PAUSED))
        await session.execute(update(Report).values(definition=definition))
        owner = (await session.scalars(select(User))).one()
    async with ledger.session() as session:
        with pytest.raises(Conflict) as caught:
            await schedules.resume(session, schedule.id, Context(user=owner, now=NOW, settings=Settings()))
    assert any(fault.field.startswith("formats") for fault in caught.value.faults)
    async with ledger.session() as session:
        row = await session.get(Schedule, schedule.id)
    assert row is not None
    assert row.state is ScheduleState.PAUSED
