"""SECURITY-TESTS 26: whether anything may be sent to an address is asked at the last moment, in every pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pytest

from mailroom.executions.reasons import ReasonCode
from mailroom.passes.deliver import Courier
from mailroom.recipients import service as recipients
from mailroom.recipients.spec import NewSuppression, pseudonym
from mailroom.states import DeliveryState, ExecutionState
from mailroom.storage.tables import Delivery
from tests.support.samples import FOLDER, MAIL

if TYPE_CHECKING:
    from tests.support.environment import Environment

ADA, BOB = MAIL["to"]


async def _suppress(environment: Environment, address: str) -> str:
    async with environment.database.session() as session:
        wanted = NewSuppression(address=address, reason="She asked for it.")
        row, is_new = await recipients.suppress(session, wanted, environment.context())
    assert is_new
    return row.id


@pytest.mark.parametrize("entry", ["ADA@example.com", "@example.com"])
async def test_26_it_is_skipped_at_the_last_moment_and_the_others_get_theirs(
    environment: Environment, monkeypatch: pytest.MonkeyPatch, entry: str
) -> None:
    mail = {**MAIL, "to": [ADA, "bob@elsewhere.example"]}
    schedule = await environment.create(destinations=[mail])
    execution = await environment.request(schedule)
    deliver_all = Courier.deliver_all

    async def later(courier: Courier, deliveries: Sequence[Delivery]) -> None:
        await _suppress(environment, entry)
        await deliver_all(courier, deliveries)

    monkeypatch.setattr(Courier, "deliver_all", later)
    await environment.run_pass(schedule, execution)
    assert environment.mail.taken() == ["bob@elsewhere.example"]
    found = (await environment.deliveries())[ADA]
    assert (found.status, found.reason_code) == (DeliveryState.SUPPRESSED, ReasonCode.RECIPIENT_SUPPRESSED)
    assert (found.attempts, found.next_attempt_at) == (0, None)
    row = await environment.execution()
    assert (row.status, row.reason_code) == (ExecutionState.SUCCESS, ReasonCode.DELIVERED_BUT_SUPPRESSED)
    assert row.reason_values == {"delivered": 1, "total": 1, "left_out": 1}


async def test_26_the_last_look_before_the_content_asks_as_well(environment: Environment) -> None:
    schedule = await environment.create(destinations=[{**MAIL, "to": [ADA]}])
    execution = await environment.request(schedule)

    class Later(Courier):
        async def _last_look(self, delivery: Delivery) -> None:
            await _suppress(environment, ADA)
            await super()._last_look(delivery)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mailroom.passes.work.Courier", Later)
        await environment.run_pass(schedule, execution)
    assert environment.mail.taken() == []
    row = await environment.execution()
    assert (row.status, row.reason_code) == (ExecutionState.SKIPPED, ReasonCode.ALL_SUPPRESSED)
    assert row.completed_at is not None
    assert (await environment.row(schedule)).consecutive_failures == 0


async def test_26_a_retry_asks_again(environment: Environment) -> None:
    schedule = await environment.create(destinations=[MAIL])
    execution = await environment.request(schedule)
    environment.mail.replies[ADA] = "451 later"
    run_id = "00000000-0000-4000-8000-000000000001"
    await environment.run_pass(schedule, execution, run_id=run_id)
    assert (await environment.execution()).status is ExecutionState.RETRYING
    environment.mail.replies.clear()
    await _suppress(environment, ADA)
    await environment.due_now()
    await environment.run_pass(schedule, execution, run_id=run_id)
    assert environment.mail.taken() == [BOB]
    found = (await environment.deliveries())[ADA]
    assert (found.status, found.reason_code) == (DeliveryState.SUPPRESSED, ReasonCode.RECIPIENT_SUPPRESSED)
    assert (await environment.execution()).status is ExecutionState.SUCCESS


async def test_26_a_person_cannot_ask_for_it_either_until_it_is_undone(environment: Environment) -> None:
    schedule = await environment.create(destinations=[{**MAIL, "to": [ADA]}, FOLDER])
    entry = await _suppress(environment, ADA)
    execution = await environment.request(schedule)
    await environment.run_pass(schedule, execution)
    assert environment.mail.taken() == []
    async with environment.database.session() as session:
        await recipients.release(session, entry, environment.context())
    again = await environment.request(schedule)
    await environment.run_pass(schedule, again)
    assert environment.mail.taken() == [ADA]


async def test_26_nothing_is_sent_to_what_was_erased(environment: Environment) -> None:
    gone = pseudonym(ADA, "s" * 32)
    schedule = await environment.create(destinations=[{**MAIL, "to": [gone, BOB]}])
    execution = await environment.request(schedule)
    await environment.run_pass(schedule, execution)
    assert environment.mail.taken() == [BOB]
    assert (await environment.deliveries())[gone].reason_code == ReasonCode.RECIPIENT_ERASED
