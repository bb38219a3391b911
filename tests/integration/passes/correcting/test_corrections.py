"""Corrections: exactly those who got the wrong report get the right one, whatever happens in between."""

from __future__ import annotations

import contextlib
import sqlite3
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from api.actions.executions.retry import ask as ask_again
from mailroom.errors import Conflict
from mailroom.executions import repository as executions
from mailroom.executions.deliveries import deliveries_of
from mailroom.executions.reasons import ReasonCode
from mailroom.passes.claim import FlowRunFacts, Stopped
from mailroom.passes.correcting.ask import CorrectionRequest, ask
from mailroom.passes.lease import LENGTH
from mailroom.passes.work import Begun, Work
from mailroom.recipients import repository as recipients
from mailroom.schedules import service as schedules
from mailroom.schedules.spec import read_spec, spec_data
from mailroom.states import DeliveryState, ExecutionKind, ExecutionState
from mailroom.storage.database import new_id
from mailroom.storage.tables import AuditEvent, Delivery, Execution, Schedule
from prefect_mailroom.channels.base import Parcel, Receipt
from prefect_mailroom.channels.email.channel import EmailChannel
from tests.support.samples import FOLDER, MAIL

if TYPE_CHECKING:
    from tests.support.environment import Environment

ADA, BOB = MAIL["to"]
EVE = "eve@example.com"


@dataclass
class Office:
    """An environment in which a wrong report goes out. `parcels` are those that the mail channel was given."""

    environment: Environment
    parcels: list[Parcel] = field(default_factory=list)

    async def wrong(self, *to: str, refuse: str = "") -> tuple[Schedule, Execution]:
        """Send the wrong report; one of its recipients may be refused for good."""
        schedule = await self.environment.create(destinations=[{**MAIL, "to": list(to)}])
        execution = await self.environment.request(schedule)
        self.environment.mail.replies = {refuse: "550 unknown"} if refuse else {}
        await self.environment.run_pass(schedule, execution)
        self.environment.mail.replies.clear()
        self.environment.mail.clear()
        self.parcels.clear()
        return schedule, await self.row(execution)

    async def ask(self, wrong: Execution | str, reason: str | None = "France was missing.") -> Execution:
        """Ask for a correction, as a person does."""
        async with self.environment.database.session() as session:
            wrong_id = wrong if isinstance(wrong, str) else wrong.id
            return await ask(session, wrong_id, CorrectionRequest(reason=reason), self.environment.context())

    async def row(self, execution: Execution) -> Execution:
        """Return an execution as it is stored now."""
        async with self.environment.database.session() as session:
            return await executions.get(session, execution.id)

    async def deliveries(self, execution: Execution) -> dict[str, Delivery]:
        """Return the deliveries of an execution by recipient."""
        async with self.environment.database.session() as session:
            return {row.recipient: row for row in await deliveries_of(session, [execution.id])}

    def new_data(self) -> None:
        """Put what was missing into the database that the report reads."""
        path = self.environment.settings.data_dir.parent / "warehouse.db"
        with contextlib.closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("INSERT INTO orders VALUES ('FRANCE', 7)")


@pytest.fixture
async def office(environment: Environment, monkeypatch: pytest.MonkeyPatch) -> Office:
    made, transfer = Office(environment), EmailChannel.transfer

    async def noted(channel: EmailChannel, parcel: Parcel) -> Receipt:
        made.parcels.append(parcel)
        return await transfer(channel, parcel)

    monkeypatch.setattr(EmailChannel, "transfer", noted)
    return made


async def test_who_got_the_wrong_report_gets_the_right_one_and_nobody_else(office: Office) -> None:
    environment = office.environment
    schedule, wrong = await office.wrong(ADA, BOB, refuse=BOB)
    assert wrong.status is ExecutionState.PARTIAL
    office.new_data()
    body = {**spec_data(await environment.row(schedule)), "destinations": [{**MAIL, "to": [EVE]}]}
    async with environment.database.session() as session:
        await schedules.replace(session, schedule.id, read_spec(body), environment.context(), if_match=None)
    correction = await office.ask(wrong)
    assert (correction.kind, correction.due_at) == (ExecutionKind.CORRECTION, wrong.due_at)
    await environment.run_pass(schedule, correction)
    assert environment.mail.taken() == [ADA], "neither bob, who got nothing, nor eve, who is new"
    (parcel,) = office.parcels
    assert b"FRANCE" in parcel.files[0].path.read_bytes(), "the data are those of now"
    assert (parcel.facts["kind"], parcel.facts["corrects"]) == ("correction", wrong.due_at.isoformat())
    assert parcel.facts["correction_reason"] == "France was missing."
    done = await office.row(correction)
    assert (done.status, done.reason_code, done.corrects) == (ExecutionState.SUCCESS, ReasonCode.DELIVERED, wrong.id)
    assert (await environment.row(schedule)).consecutive_failures == 0
    async with environment.database.session() as session:
        (event,) = await session.scalars(select(AuditEvent).where(AuditEvent.action == "corrected"))
    assert (event.entity_id, event.detail["correction"], event.detail["recipients"]) == (wrong.id, correction.id, 1)


async def test_the_parameters_and_formats_are_those_of_the_wrong_one(office: Office) -> None:
    environment = office.environment
    schedule, wrong = await office.wrong(ADA)
    body = {**spec_data(await environment.row(schedule)), "parameters": {"region": "APAC"}, "formats": ["html"]}
    async with environment.database.session() as session:
        await schedules.replace(session, schedule.id, read_spec(body), environment.context(), if_match=None)
    await environment.run_pass(schedule, await office.ask(wrong, reason=None))
    (parcel,) = office.parcels
    assert [file.filename for file in parcel.files] == ["orders.csv"]
    assert b"EMEA" in parcel.files[0].path.read_bytes()
    assert parcel.facts["parameters"] == {"region": "all", "least": 0}
    assert "correction_reason" not in parcel.facts


async def test_without_rows_it_is_sent_all_the_same(office: Office) -> None:
    environment = office.environment
    environment.body["condition"] = {"send_if": "not_empty"}
    schedule, wrong = await office.wrong(ADA)
    path = environment.settings.data_dir.parent / "warehouse.db"
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM orders")
    await environment.run_pass(schedule, await office.ask(wrong))
    assert environment.mail.taken() == [ADA]


async def test_whoever_may_have_it_counts_and_a_folder_too(office: Office) -> None:
    environment = office.environment
    schedule = await environment.create(destinations=[{**MAIL, "to": [ADA]}, {**FOLDER, "path": "orders.csv"}])
    execution = await environment.request(schedule)
    environment.mail.data_breaks = True
    await environment.run_pass(schedule, execution)
    environment.mail.data_breaks = False
    async with environment.database.session() as session:
        row = await executions.get(session, execution.id)
        row.status, row.next_pass_at, row.completed_at = ExecutionState.PARTIAL, None, environment.now()
    assert (await office.deliveries(execution))[ADA].status is DeliveryState.UNKNOWN
    office.new_data()
    environment.mail.clear()
    await environment.run_pass(schedule, await office.ask(execution))
    assert environment.mail.taken() == [ADA]
    assert b"FRANCE" in (environment.settings.data_dir.parent / "shared" / "orders.csv").read_bytes()


async def test_security_26_who_wants_nothing_any_more_stays_out(office: Office) -> None:
    environment = office.environment
    schedule, wrong = await office.wrong(ADA, BOB)
    correction = await office.ask(wrong)
    async with environment.database.session() as session:
        await recipients.insert_unsubscription(session, ADA, schedule.id, delivery_id=new_id(), now=environment.now())
    await environment.run_pass(schedule, correction)
    assert environment.mail.taken() == [BOB]
    assert (await office.deliveries(correction))[ADA].reason_code == ReasonCode.RECIPIENT_UNSUBSCRIBED
    assert (await office.row(correction)).status is ExecutionState.SUCCESS


async def test_it_is_corrected_once_and_then_its_correction_is(office: Office) -> None:
    environment = office.environment
    schedule, wrong = await office.wrong(ADA, BOB)
    first = await office.ask(wrong)
    with pytest.raises(Conflict, match=first.id):
        await office.ask(wrong)
    with pytest.raises(Conflict):
        await office.ask(first)  # It has not ended.
    environment.mail.replies[BOB] = "550 unknown"
    await environment.run_pass(schedule, first)
    environment.mail.replies.clear()
    environment.mail.clear()
    with pytest.raises(Conflict, match=first.id) as refused:
        await office.ask(wrong)
    assert f"{first.id}/correct" in refused.value.remedy, "it names the newest"
    second = await office.ask(first)
    await environment.run_pass(schedule, second)
    assert environment.mail.taken() == [ADA, BOB], "bob has the first wrong one still"
    assert (await office.row(second)).corrects == first.id


async def test_the_wrong_one_goes_to_nobody_else_afterwards(office: Office) -> None:
    environment, run_id = office.environment, new_id()
    schedule = await environment.create(destinations=[MAIL])
    wrong = await environment.request(schedule)
    environment.mail.replies[BOB] = "550 unknown"
    await environment.run_pass(schedule, wrong, run_id=run_id)
    environment.mail.replies.clear()
    correction = await office.ask(wrong)
    async with environment.database.session() as session:
        with pytest.raises(Conflict, match=correction.id):
            await ask_again(session, wrong.id, environment.context())
    environment.mail.clear()
    stopped = await environment.run_pass(schedule, wrong, run_id=run_id)  # Retry in Prefect's UI.
    assert isinstance(stopped, Stopped)
    assert (stopped.reason.code, stopped.reason.values) == (ReasonCode.CORRECTED, {"execution": correction.id})
    assert environment.mail.taken() == []


async def test_what_cannot_be_corrected(office: Office) -> None:
    environment = office.environment
    schedule, wrong = await office.wrong(ADA)
    tested = await environment.request(schedule, ExecutionKind.TEST)
    await environment.run_pass(schedule, tested)
    nobody = await environment.create(destinations=[{**MAIL, "to": [BOB]}])
    environment.mail.replies[BOB] = "550 unknown"
    failed = await environment.request(nobody)
    await environment.run_pass(nobody, failed)
    pending = await environment.request(schedule)
    for one in (tested, failed, pending):
        with pytest.raises(Conflict):
            await office.ask(one)
    async with environment.database.session() as session:
        await schedules.pause(session, schedule.id, environment.context())
    with pytest.raises(Conflict):
        await office.ask(wrong)
    async with environment.database.session() as session:
        found = await session.scalars(select(Execution).where(Execution.kind == ExecutionKind.CORRECTION))
        assert found.all() == []


async def test_a_process_that_dies_in_between_is_followed_by_another(office: Office) -> None:
    """The first one is gone once it has begun; ada has it, and bob's attempt broke off."""
    environment, run_id = office.environment, new_id()
    schedule, wrong = await office.wrong(ADA, BOB)
    correction = await office.ask(wrong)
    async with environment.database.session() as session:
        assert [row.id for row in await executions.unsubmitted(session)] == [correction.id], "it gets a flow run"
    environment.mail.replies[BOB] = "451 later"
    await environment.run_pass(schedule, correction, run_id=run_id)
    environment.mail.replies.clear()
    facts = FlowRunFacts(run_id, datetime.now(UTC), scheduled=False)
    dead = await Work(environment.database, environment.settings, facts).begin(schedule.id, correction.id)
    assert isinstance(dead, Begun)
    async with environment.database.session() as session:
        row = await session.get(Delivery, (await office.deliveries(correction))[BOB].id)
        assert row is not None
        row.status = DeliveryState.SENDING
    office.new_data()
    await environment.due_now()
    later = datetime.now(UTC) + LENGTH + timedelta(seconds=1)
    await environment.run_pass(schedule, correction, run_id=run_id, now=later)
    assert environment.mail.taken() == [ADA, BOB], "nobody gets it twice"
    done = await office.row(correction)
    assert (done.status, done.pass_count) == (ExecutionState.SUCCESS, 3)
    ada, bob = (next(p for p in office.parcels if p.recipient == name) for name in (ADA, BOB))
    assert ada.files == bob.files, "all get what the first pass rendered"
