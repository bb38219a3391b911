"""SECURITY-TESTS 26: rights are asked again when a run sends, and what was lost meanwhile counts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import delete, select

from mailroom.access.viewer import role_subject, viewer_of
from mailroom.connections import grants
from mailroom.context import Context
from mailroom.executions.reasons import ReasonCode
from mailroom.passes.deliver import Courier
from mailroom.passes.outcome import Outcome
from mailroom.roles import Role
from mailroom.schedules.ownership import owners
from mailroom.states import DeliveryState, ExecutionState
from mailroom.storage.database import new_id
from mailroom.storage.model.access import ConnectionGrant
from mailroom.storage.tables import Delivery, Execution, Report, Schedule, User
from tests.support.samples import FOLDER, MAIL

if TYPE_CHECKING:
    from tests.support.environment import Environment


@pytest.fixture
async def admin(environment: Environment) -> User:
    """The admin, in whose place a creator who may use both connections owns the environment's schedules."""
    admin, now = environment.owner, environment.now()
    async with environment.database.session() as session:
        creator = User(id=new_id(), email="ada@example.com", role=Role.CREATOR, created_at=now, updated_at=now)
        session.add(creator)
        for name in ("smtp", "shared", "warehouse"):
            session.add(ConnectionGrant(connection=name, subject=role_subject(Role.CREATOR)))
    environment.owner = creator
    return admin


async def _change(environment: Environment, **values: object) -> None:
    async with environment.database.session() as session:
        owner = await session.get(User, environment.owner.id)
        assert owner is not None
        for name, value in values.items():
            setattr(owner, name, value)


async def _take_mail(environment: Environment) -> None:
    async with environment.database.session() as session:
        await session.execute(delete(ConnectionGrant).where(ConnectionGrant.connection == "smtp"))


async def _disable(environment: Environment) -> None:
    await _change(environment, is_active=False)


async def _demote(environment: Environment) -> None:
    await _change(environment, role=Role.VIEWER)


def after_the_gate(
    environment: Environment, monkeypatch: pytest.MonkeyPatch, lose: Callable[[Environment], Awaitable[None]]
) -> None:
    """Have the right lost between the gate and the first attempt."""
    deliver_all = Courier.deliver_all

    async def later(courier: Courier, deliveries: Sequence[Delivery]) -> None:
        await lose(environment)
        await deliver_all(courier, deliveries)

    monkeypatch.setattr(Courier, "deliver_all", later)


@pytest.mark.parametrize("lose", [_disable, _demote])
async def test_security_26_the_gate_is_closed_for_an_owner_who_may_own_nothing(
    environment: Environment, admin: User, lose: Callable[[Environment], Awaitable[None]]
) -> None:
    schedule = await environment.create()
    execution = await environment.request(schedule)
    await lose(environment)
    await environment.run_pass(schedule, execution)
    found = await environment.execution()
    assert (found.status, found.reason_code) == (ExecutionState.SKIPPED, ReasonCode.OWNER_INACTIVE)
    assert environment.mail.taken() == []


@pytest.mark.parametrize("lose", [_disable, _demote])
async def test_security_26_nothing_leaves_when_the_owner_is_lost_after_the_gate(
    environment: Environment,
    admin: User,
    monkeypatch: pytest.MonkeyPatch,
    lose: Callable[[Environment], Awaitable[None]],
) -> None:
    schedule = await environment.create()
    execution = await environment.request(schedule)
    after_the_gate(environment, monkeypatch, lose)
    await environment.run_pass(schedule, execution)
    assert environment.mail.taken() == []
    assert {row.status for row in (await environment.deliveries()).values()} == {DeliveryState.SUPPRESSED}


async def test_security_26_nothing_leaves_through_a_connection_that_was_taken_away(
    environment: Environment, admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    schedule = await environment.create(destinations=[MAIL, FOLDER])
    execution = await environment.request(schedule)
    after_the_gate(environment, monkeypatch, _take_mail)
    result = await environment.run_pass(schedule, execution)
    assert environment.mail.taken() == []
    deliveries = await environment.deliveries()
    assert {deliveries[to].status for to in MAIL["to"]} == {DeliveryState.SUPPRESSED}
    assert {deliveries[to].attempts for to in MAIL["to"]} == {0}
    assert [row.status for to, row in deliveries.items() if to not in MAIL["to"]] == [DeliveryState.DELIVERED]
    assert isinstance(result, Outcome)
    assert result.state is ExecutionState.PARTIAL


async def test_security_26_what_is_given_to_an_heir_is_sent_by_the_heirs_rights(
    environment: Environment, admin: User
) -> None:
    schedule = await environment.create()
    execution = await environment.request(schedule)
    now = environment.now()
    await _disable(environment)
    async with environment.database.session() as session:
        owner = await session.get(User, environment.owner.id)
        assert owner is not None
        context = Context(user=admin, now=now, settings=environment.settings)
        assert await owners.suspend_if_barred(session, owner, context) == [schedule.id]
        await owners.reassign(session, schedule.id, admin.id, context)
    await environment.run_pass(schedule, execution)
    found = await environment.execution()
    assert (found.status, found.reason_code) == (ExecutionState.SKIPPED, ReasonCode.SCHEDULE_NOT_ACTIVE)
    async with environment.database.session() as session:
        row = await session.get(Schedule, schedule.id)
        assert row is not None
        assert row.user_id == admin.id


@pytest.mark.parametrize("lose", ["source", "permission", "author"])
async def test_security_26_a_report_is_not_rendered_when_its_author_may_not_read_its_source(
    environment: Environment, admin: User, lose: str
) -> None:
    await _change(environment, grants=["report.define_sql"])
    async with environment.database.session() as session:
        report = await session.get(Report, "orders")
        assert report is not None
        report.owner_id = environment.owner.id
    environment.owner = admin  # The schedule is the admin's, the report the creator's.
    schedule = await environment.create()
    fine = await environment.request(schedule)
    await environment.run_pass(schedule, fine)
    sent = environment.mail.taken()
    assert sorted(sent) == sorted(MAIL["to"])
    async with environment.database.session() as session:
        author = (await session.scalars(select(User).where(User.email == "ada@example.com"))).one()
        if lose == "source":
            await session.execute(delete(ConnectionGrant).where(ConnectionGrant.connection == "warehouse"))
        elif lose == "permission":
            author.grants = []
        else:
            author.is_active = False
    execution = await environment.request(schedule)
    await environment.run_pass(schedule, execution)
    async with environment.database.session() as session:
        found = await session.get(Execution, execution.id)
    assert found is not None
    assert (found.status, found.reason_code) == (ExecutionState.FAILED, ReasonCode.RENDER_FAILED)
    assert environment.mail.taken() == sent


async def test_what_a_creator_may_use_is_what_was_granted(environment: Environment, admin: User) -> None:
    names = ["smtp", "shared", "nobody"]
    async with environment.database.session() as session:
        assert await grants.not_usable(session, names, viewer=viewer_of(environment.owner)) == ["nobody"]
        await session.execute(delete(ConnectionGrant).where(ConnectionGrant.connection == "smtp"))
        assert await grants.not_usable(session, names, viewer=viewer_of(environment.owner)) == ["nobody", "smtp"]
        assert await grants.not_usable(session, names, viewer=viewer_of(admin)) == ["nobody"]
