"""What a pass does in the last moment before something leaves, and in the first one after."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pytest

from mailroom.passes.deliver import Courier
from mailroom.schedules import service as schedules
from mailroom.states import DeliveryState
from mailroom.storage.database import new_id
from mailroom.storage.tables import Delivery
from tests.support.gates import held_before
from tests.support.samples import FOLDER

if TYPE_CHECKING:
    from tests.support.environment import Environment


async def test_no_file_is_written_for_a_schedule_that_was_paused_after_the_gate(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    schedule = await environment.create(destinations=[FOLDER])
    execution = await environment.request(schedule)
    deliver_all = Courier.deliver_all

    async def once_paused(courier: Courier, deliveries: Sequence[Delivery]) -> None:
        async with environment.database.session() as session:
            await schedules.pause(session, schedule.id, environment.context())
        await deliver_all(courier, deliveries)

    monkeypatch.setattr(Courier, "deliver_all", once_paused)
    await environment.run_pass(schedule, execution, run_id=new_id())
    (delivery,) = (await environment.deliveries()).values()
    assert (delivery.status, delivery.attempts) == (DeliveryState.SUPPRESSED, 0)
    assert not [file for file in (environment.settings.data_dir.parent / "shared").rglob("*") if file.is_file()]


async def test_a_pass_that_is_broken_off_first_writes_the_receipt_that_it_has(environment: Environment) -> None:
    ada = {"channel": "email", "connection": "smtp", "to": ["ada@example.com"]}
    schedule = await environment.create(destinations=[ada])
    execution = await environment.request(schedule)
    with held_before(environment.database, "UPDATE deliveries SET .*receipt") as gate:
        working = asyncio.create_task(environment.run_pass(schedule, execution, run_id=new_id()))
        await gate.until_reached()
        working.cancel()
        done, _ = await asyncio.wait({working}, timeout=0.5)
        assert not done, "it waits for its receipt"
        gate.open()
        with pytest.raises(asyncio.CancelledError):
            await working
    assert environment.mail.taken() == ["ada@example.com"]
    assert (await environment.deliveries())["ada@example.com"].status is DeliveryState.DELIVERED
