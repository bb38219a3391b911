"""Everything that leaves is in the audit trail, in the transaction that records it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from mailroom.executions import delivery_lifecycle
from mailroom.passes.deliver import Courier
from mailroom.states import DeliveryState
from mailroom.storage.database import new_id
from mailroom.storage.tables import AuditEvent, Delivery, User
from tests.support.samples import FOLDER, MAIL
from tests.support.statements import recorded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.support.environment import Environment

ADA, BOB = "ada@example.com", "bob@example.com"


async def _trail(environment: Environment, action: str) -> list[AuditEvent]:
    async with environment.database.session() as session:
        query = select(AuditEvent).where(AuditEvent.action == action).order_by(AuditEvent.at, AuditEvent.id)
        return list(await session.scalars(query))


async def test_each_attempt_and_each_use_of_a_credential_is_audited(environment: Environment) -> None:
    schedule = await environment.create(destinations=[MAIL, FOLDER])
    environment.mail.replies[BOB] = "550 no such user"
    execution = await environment.request(schedule)
    with recorded(environment.database) as recorder:
        await environment.run_pass(schedule, execution)
    sent = await _trail(environment, "sent")
    found = {(row.detail["channel"], row.detail["recipient"]): row.detail["outcome"] for row in sent}
    outcomes = {key[1]: outcome for key, outcome in found.items() if key[0] == "email"}
    assert outcomes == {ADA: "delivered", BOB: "refused"}
    assert len(sent) == 3
    assert {(row.entity_type, row.entity_id, row.actor, row.on_behalf_of) for row in sent} == {
        ("execution", execution.id, "mailroom", environment.owner.email)
    }
    used = await _trail(environment, "used")
    assert sorted((row.entity_id, row.detail["purpose"]) for row in used) == [
        ("shared", "delivery"),
        ("smtp", "delivery"),
        ("warehouse", "rendering"),
    ]
    receipts = [
        statements for statements in recorder.transactions if any("UPDATE attempts" in one for one in statements)
    ]
    inserts = [sum(one.startswith("INSERT INTO audit_events") for one in statements) for statements in receipts]
    assert inserts == [1, 1, 1], "the entries of a send are one INSERT in the transaction of its receipt"


async def test_what_may_not_leave_is_audited(environment: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    schedule = await environment.create(destinations=[MAIL])
    deliver_all = Courier.deliver_all

    async def disabled_meanwhile(courier: Courier, deliveries: Sequence[Delivery]) -> None:
        async with environment.database.session() as session:
            owner = await session.get(User, environment.owner.id)
            assert owner is not None
            owner.is_active = False
        await deliver_all(courier, deliveries)

    monkeypatch.setattr(Courier, "deliver_all", disabled_meanwhile)
    await environment.run_pass(schedule, await environment.request(schedule))
    suppressed = await _trail(environment, "suppressed")
    assert sorted((row.detail["recipient"], row.detail["reason"]) for row in suppressed) == [
        (ADA, "owner_inactive"),
        (BOB, "owner_inactive"),
    ]
    assert await _trail(environment, "sent") == []


async def test_attempts_that_broke_off_are_audited(environment: Environment) -> None:
    schedule = await environment.create(destinations=[MAIL])
    execution = await environment.request(schedule)
    now = environment.now()
    row: dict[str, Any] = {
        "execution_id": execution.id,
        "position": 0,
        "channel": "email",
        "connection": "smtp",
        "recipient": ADA,
        "key": new_id(),
        "destination": MAIL,
        "status": DeliveryState.SENDING,
        "attempts": 1,
        "created_at": now,
    }
    async with environment.database.session() as session:
        delivery = Delivery(id=new_id(), **row)
        session.add(delivery)
        await session.flush()
        await delivery_lifecycle.abandon_attempts(session, execution.id, now=now)
        await delivery_lifecycle.abandon_attempts(session, execution.id, now=now)
    (event,) = await _trail(environment, "broken_off")
    assert (event.entity_id, event.detail["deliveries"]) == (execution.id, [delivery.id])
