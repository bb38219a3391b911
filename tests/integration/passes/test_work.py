"""Whole passes over real executions: what leaves, what the ledger says, what is never repeated."""

from __future__ import annotations

import asyncio
import csv
import io
import sqlite3
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from mailroom.access.viewer import SYSTEM
from mailroom.errors import Conflict
from mailroom.executions import delivery_lifecycle
from mailroom.executions.history.search import ExecutionFilter, search
from mailroom.executions.reasons import ReasonCode, because
from mailroom.passes.claim import FlowRunFacts, Stopped
from mailroom.passes.conclude import conclude
from mailroom.passes.outcome import Outcome
from mailroom.passes.work import Begun, Work
from mailroom.rendering import client
from mailroom.rendering.service import RenderedReport, render_report, render_request
from mailroom.reports import repository as report_repository
from mailroom.reports.spec import Format, ReportDefinition
from mailroom.schedules import repository as stored
from mailroom.schedules import service as schedules
from mailroom.states import DeliveryState, ExecutionKind, ExecutionState, ScheduleState
from mailroom.storage.database import new_id
from mailroom.storage.tables import Artifact, Notification, Rendering
from prefect_mailroom.errors import SourceRefused
from tests.support.smtp import QUEUE_ID

if TYPE_CHECKING:
    from tests.support.environment import Environment

A_WEEK = timedelta(days=7)
BOTH = ["ada@example.com", "bob@example.com"]


async def test_everybody_gets_the_file_once_and_the_ledger_has_the_receipts(environment: Environment) -> None:
    schedule = await environment.create()
    execution, run_id = await environment.request(schedule), new_id()
    result = await environment.run_pass(schedule, execution, run_id=run_id)
    assert isinstance(result, Outcome)
    assert result.state is ExecutionState.SUCCESS
    assert environment.mail.taken() == BOTH
    _, mail = environment.mail.mails[0]
    attached = next(iter(mail.iter_attachments()))
    assert attached["Content-Type"].params["charset"] == "utf-8"
    content = attached.get_payload(decode=True)
    assert isinstance(content, bytes)
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    assert rows == [["region", "amount"], ["EMEA", "1200"], ["APAC", "900"]]
    for delivery in (await environment.deliveries()).values():
        assert delivery.status is DeliveryState.DELIVERED
        assert delivery.receipt is not None
        assert QUEUE_ID in str(delivery.receipt)
        assert delivery.delivered_at
    again = await environment.run_pass(schedule, execution, run_id=run_id)
    assert isinstance(again, Stopped)
    assert environment.mail.taken() == BOTH


async def test_a_retry_sends_only_what_is_missing(environment: Environment) -> None:
    schedule = await environment.create()
    execution, run_id = await environment.request(schedule), new_id()
    environment.mail.replies["bob@example.com"] = "451 4.3.0 Try again later"
    first = await environment.run_pass(schedule, execution, run_id=run_id)
    assert isinstance(first, Outcome)
    assert first.state is ExecutionState.RETRYING
    assert first.retry_at
    assert first.retry_at > datetime.now(UTC)
    assert (await environment.execution()).status is ExecutionState.RETRYING
    del environment.mail.replies["bob@example.com"]
    await environment.due_now()
    second = await environment.run_pass(schedule, execution, run_id=run_id)
    assert isinstance(second, Outcome)
    assert second.state is ExecutionState.SUCCESS
    assert environment.mail.taken() == BOTH
    bob = (await environment.deliveries())["bob@example.com"]
    assert bob.attempts == 2
    assert (await environment.execution()).pass_count == 2


async def test_a_refusal_for_good_is_partial_and_tells_the_owner(environment: Environment) -> None:
    schedule = await environment.create()
    execution, run_id = await environment.request(schedule), new_id()
    environment.mail.replies["bob@example.com"] = "550 5.1.1 No such user"
    result = await environment.run_pass(schedule, execution, run_id=run_id)
    assert isinstance(result, Outcome)
    assert result.state is ExecutionState.PARTIAL
    bob = (await environment.deliveries())["bob@example.com"]
    assert bob.status is DeliveryState.REFUSED
    assert bob.next_attempt_at is None
    assert "No such user" in (bob.error_message or "")
    async with environment.database.session() as session:
        told = (await session.scalars(select(Notification))).one()
    assert told.user_id == environment.owner.id
    # Retry in Prefect's UI runs the same flow run again: a person asked, so bob is tried, ada is not.
    del environment.mail.replies["bob@example.com"]
    again = await environment.run_pass(schedule, execution, run_id=run_id)
    assert isinstance(again, Outcome)
    assert again.state is ExecutionState.SUCCESS
    assert environment.mail.taken() == BOTH


async def test_a_crash_in_the_middle_of_an_attempt_resends_under_the_same_message_id(environment: Environment) -> None:
    schedule = await environment.create()
    execution, run_id = await environment.request(schedule), new_id()
    environment.mail.replies = dict.fromkeys(BOTH, "451 not yet")
    await environment.run_pass(schedule, execution, run_id=run_id)
    environment.mail.replies.clear()
    ada = (await environment.deliveries())["ada@example.com"]
    async with environment.database.session() as session:  # The process dies between "attempt started" and the receipt.
        assert await delivery_lifecycle.begin_attempt(session, ada, now=datetime.now(UTC), flow_run_id=run_id)
    await environment.due_now()
    result = await environment.run_pass(schedule, execution, run_id=run_id)
    assert isinstance(result, Outcome)
    assert result.state is ExecutionState.SUCCESS
    assert environment.mail.taken() == BOTH
    outcomes = [a.outcome for a in await environment.attempts() if a.delivery_id == ada.id]
    assert outcomes == [DeliveryState.FAILED, DeliveryState.UNKNOWN, DeliveryState.DELIVERED]


async def test_the_message_id_is_the_deliverys_and_stays(environment: Environment) -> None:
    schedule = await environment.create()
    await environment.run_pass(schedule, await environment.request(schedule))
    keys = {recipient: delivery.key for recipient, delivery in (await environment.deliveries()).items()}
    ids = {address: str(mail["Message-ID"]) for address, mail in environment.mail.mails}
    assert len(set(ids.values())) == 2
    await environment.run_pass(schedule, await environment.request(schedule))
    assert len({str(mail["Message-ID"]) for _, mail in environment.mail.mails}) == 4, "another execution, other ids"
    assert len(set(keys.values())) == 2


async def test_nothing_leaves_after_a_pause_between_gate_and_delivery(environment: Environment) -> None:
    schedule = await environment.create()
    execution, run_id = await environment.request(schedule), new_id()
    environment.mail.replies["bob@example.com"] = "451 later"
    await environment.run_pass(schedule, execution, run_id=run_id)
    async with environment.database.session() as session:
        await schedules.pause(session, schedule.id, environment.context())
    environment.mail.replies.clear()
    await environment.due_now()
    result = await environment.run_pass(schedule, execution, run_id=run_id)
    assert isinstance(result, Outcome)
    assert result.state is ExecutionState.PARTIAL
    assert environment.mail.taken() == ["ada@example.com"]
    bob = (await environment.deliveries())["bob@example.com"]
    assert bob.status is DeliveryState.SUPPRESSED
    assert "paused" in (bob.error_message or "")
    # Once it may leave again, a person's Retry sends what was suppressed; nothing else does.
    async with environment.database.session() as session:
        await schedules.resume(session, schedule.id, environment.context())
    again = await environment.run_pass(schedule, execution, run_id=run_id)
    assert isinstance(again, Outcome)
    assert again.state is ExecutionState.SUCCESS
    assert environment.mail.taken() == BOTH


async def test_an_inactive_owner_stops_everything(environment: Environment) -> None:
    schedule = await environment.create()
    execution = await environment.request(schedule)
    async with environment.database.session() as session:
        owner = await session.get(type(environment.owner), environment.owner.id)
        assert owner is not None
        owner.is_active = False
    result = await environment.run_pass(schedule, execution)
    assert isinstance(result, Outcome)
    assert result.state is ExecutionState.SKIPPED
    assert environment.mail.mails == []


async def test_a_test_goes_to_the_caller_alone_and_says_so(environment: Environment) -> None:
    schedule = await environment.create()
    result = await environment.run_pass(schedule, await environment.request(schedule, ExecutionKind.TEST))
    assert isinstance(result, Outcome)
    assert result.state is ExecutionState.SUCCESS
    assert environment.mail.taken() == [environment.owner.email]
    assert str(environment.mail.mails[0][1]["Subject"]).startswith("[Test]")


@pytest.mark.parametrize(("least", "state"), [(5000, ExecutionState.SKIPPED), (1000, ExecutionState.SUCCESS)])
async def test_a_report_without_rows_is_sent_only_when_asked(
    environment: Environment, least: int, state: ExecutionState
) -> None:
    schedule = await environment.create(parameters={"least": least}, condition={"send_if": "not_empty"})
    result = await environment.run_pass(schedule, await environment.request(schedule))
    assert isinstance(result, Outcome)
    assert result.state is state
    assert bool(environment.mail.mails) is (state is ExecutionState.SUCCESS)


async def test_the_same_rendering_serves_two_executions(environment: Environment) -> None:
    one, two = await environment.create(ago=A_WEEK), await environment.create(ago=A_WEEK, name="The same again")
    due = datetime.now(UTC).replace(hour=9, minute=0, second=0, microsecond=0)
    policy = {"expires_after": "P7D", "catchup": "all"}
    async with environment.database.session() as session:
        for schedule in (one, two):
            row = await stored.get(session, schedule.id, viewer=SYSTEM)
            row.policy_config = {**row.policy_config, "policy": policy}
    for schedule in (one, two):
        result = await environment.run_pass(schedule, at=due - timedelta(days=1))
        assert isinstance(result, Outcome)
        assert result.state is ExecutionState.SUCCESS, result.reason
    async with environment.database.session() as session:
        page = await search(session, viewer=SYSTEM, wanted=ExecutionFilter(), cursor=None, limit=50)
    assert len({tuple(row.artifact_ids) for row in page.items}) == 1


async def _rendered(environment: Environment, *formats: Format, at: datetime, timezone: str = "UTC") -> RenderedReport:
    async with environment.database.session() as session:
        report = await report_repository.get(session, "orders", viewer=SYSTEM)
    definition = ReportDefinition.model_validate(report.definition)
    wanted = render_request(definition, {}, formats, at, timezone)
    return await render_report(environment.database, environment.settings, wanted, now=datetime.now(UTC), group="")


async def test_each_format_is_rendered_once_whatever_it_is_asked_with(environment: Environment) -> None:
    at = datetime(2013, 4, 1, 9, tzinfo=UTC)
    csv_alone = await _rendered(environment, Format.CSV, at=at)
    await _break_source(environment, "UPDATE orders SET amount = 1")  # Who queries again would see it.
    both = await _rendered(environment, Format.HTML, Format.CSV, at=at)
    assert both.artifact_ids[1:] == csv_alone.artifact_ids
    assert both.message == csv_alone.message
    assert both.rows == csv_alone.rows == 2
    await _break_source(environment, "ALTER TABLE orders RENAME TO gone")
    again = await _rendered(environment, Format.CSV, Format.HTML, at=at)
    assert again.artifact_ids == both.artifact_ids[::-1]
    for due, zone in ((at + timedelta(days=1), "UTC"), (at, "Asia/Tokyo")):
        with pytest.raises(SourceRefused):
            await _rendered(environment, Format.CSV, at=due, timezone=zone)


async def test_what_has_expired_is_rendered_anew_and_its_piece_alone(environment: Environment) -> None:
    at = datetime(2013, 4, 1, 9, tzinfo=UTC)
    first = await _rendered(environment, Format.CSV, Format.HTML, at=at)
    async with environment.database.session() as session:
        row = await session.get(Rendering, first.renderings[1].id)
        assert row is not None
        row.expires_at = datetime.now(UTC) - timedelta(seconds=1)
    second = await _rendered(environment, Format.CSV, Format.HTML, at=at)
    assert [new.id == old.id for new, old in zip(second.renderings, first.renderings, strict=True)] == [
        True,
        False,
        True,
    ]


async def test_of_two_who_finish_the_same_the_first_counts(environment: Environment) -> None:
    at = datetime(2013, 4, 1, 9, tzinfo=UTC)
    one, two = await asyncio.gather(
        _rendered(environment, Format.CSV, at=at), _rendered(environment, Format.CSV, at=at)
    )
    assert [row.id for row in one.renderings] == [row.id for row in two.renderings]
    async with environment.database.session() as session:
        assert len((await session.scalars(select(Artifact))).all()) == 1


async def test_renderers_that_are_away_are_waited_for(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "RESTART_SECONDS", 0)
    schedule = await environment.create()
    execution = await environment.request(schedule)
    run_id, there = new_id(), environment.settings
    environment.settings = there.model_copy(update={"renderers_socket": there.data_dir / "nobody.sock"})
    result = await environment.run_pass(schedule, execution, run_id=run_id)
    assert isinstance(result, Outcome)
    assert result.state is ExecutionState.RETRYING
    assert result.reason.code is ReasonCode.RENDER_RETRY
    assert result.retry_at
    assert result.retry_at >= datetime.now(UTC) + timedelta(seconds=25)
    environment.settings = there
    result = await environment.run_pass(schedule, execution, run_id=run_id)
    assert isinstance(result, Outcome)
    assert result.state is ExecutionState.SUCCESS


async def test_a_missed_occurrence_is_accounted_for(environment: Environment) -> None:
    schedule = await environment.create(ago=A_WEEK)
    due = datetime.now(UTC).replace(hour=9, minute=0, second=0, microsecond=0) - timedelta(days=2)
    result = await environment.run_pass(schedule, at=due)
    assert isinstance(result, Outcome)
    assert result.state is ExecutionState.MISSED
    row = await environment.execution()
    assert (row.status, row.due_at) == (ExecutionState.MISSED, due)
    assert row.completed_at


async def _break_source(environment: Environment, statement: str) -> None:
    with sqlite3.connect(environment.settings.data_dir.parent / "warehouse.db") as connection:
        connection.execute(statement)
    connection.close()


async def test_failures_in_a_row_suspend_the_schedule_and_resuming_clears_them(environment: Environment) -> None:
    policy = {"pause_after_failures": 2, "expires_after": "P7D", "catchup": "all"}
    schedule = await environment.create(ago=A_WEEK, policy=policy)
    await _break_source(environment, "ALTER TABLE orders RENAME TO gone")
    due = datetime.now(UTC).replace(hour=9, minute=0, second=0, microsecond=0) - timedelta(days=1)
    for days in (2, 1):
        result = await environment.run_pass(schedule, at=due - timedelta(days=days))
        assert isinstance(result, Outcome)
        assert result.state is ExecutionState.FAILED
        assert result.reason.code is ReasonCode.RENDER_FAILED
        assert "orders" in str(result.reason.values["error"])
    row = await environment.row(schedule)
    assert row.state is ScheduleState.SUSPENDED
    assert (row.generation, row.observed_generation) == (2, 0)
    third = await environment.run_pass(schedule, at=due)
    assert isinstance(third, Stopped)
    assert third.reason.code is ReasonCode.ENDED_BEFORE
    assert third.reason.values["state"] == "skipped"
    async with environment.database.session() as session:
        await schedules.resume(session, schedule.id, environment.context())
    row = await environment.row(schedule)
    assert (row.state, row.consecutive_failures) == (ScheduleState.ACTIVE, 0)
    assert environment.mail.mails == []


async def test_a_once_schedule_is_finished_after_its_occurrence(environment: Environment) -> None:
    soon = (datetime.now(UTC) + timedelta(days=2)).replace(second=0, microsecond=0)
    schedule = await environment.create(timing={"frequency": "once", "at": f"{soon:%Y-%m-%dT%H:%M}"})
    result = await environment.run_pass(schedule, at=soon)
    assert isinstance(result, Outcome)
    assert result.state is ExecutionState.SUCCESS
    assert (await environment.row(schedule)).state is ScheduleState.FINISHED
    async with environment.database.session() as session:
        with pytest.raises(Conflict):
            await schedules.resume(session, schedule.id, environment.context())


async def test_a_pass_that_was_given_up_does_not_change_how_the_execution_ended(environment: Environment) -> None:
    schedule = await environment.create()
    execution, now = await environment.request(schedule), datetime.now(UTC)
    work = Work(environment.database, environment.settings, FlowRunFacts(new_id(), now, scheduled=False))
    begun = await work.begin(schedule.id, execution.id)
    assert isinstance(begun, Begun)
    async with environment.database.session() as session:  # The rescue holds its process for dead.
        gone = Outcome(ExecutionState.FAILED, because(ReasonCode.RUN_GONE))
        await conclude(session, execution.id, gone, pass_number=begun.number, now=now)
    stands = await work.settle(
        begun, Outcome(ExecutionState.SUCCESS, because(ReasonCode.DELIVERED, delivered=2, total=2))
    )
    assert stands.state is ExecutionState.FAILED
    row = await environment.execution()
    assert (row.status, row.reason_code) == (ExecutionState.FAILED, ReasonCode.RUN_GONE)
    await work.settle(begun, Outcome(ExecutionState.FAILED, because(ReasonCode.NO_OUTCOME, said="It crashed.")))
    async with environment.database.session() as session:
        assert len((await session.scalars(select(Notification))).all()) == 1, "the owner is told once"


async def test_a_full_disk_is_said_before_anything_is_rendered(environment: Environment) -> None:
    schedule = await environment.create()
    execution = await environment.request(schedule)
    environment.settings = environment.settings.model_copy(update={"min_free_mb": 10**9})
    result = await environment.run_pass(schedule, execution)
    assert isinstance(result, Outcome)
    assert result.state is ExecutionState.RETRYING
    assert result.reason.code is ReasonCode.RENDER_RETRY
    assert "MB are free" in str(result.reason.values["error"])
    assert list(environment.settings.artifacts_dir.iterdir()) == []


async def test_an_overlap_is_skipped(environment: Environment) -> None:
    schedule = await environment.create(policy={"catchup": "none"})
    tomorrow = datetime.now(UTC).replace(hour=9, minute=0, second=0, microsecond=0) + timedelta(days=1)
    environment.mail.replies = dict.fromkeys(BOTH, "451 later")
    first = await environment.run_pass(schedule, at=tomorrow, now=tomorrow)
    assert isinstance(first, Outcome)
    assert first.state is ExecutionState.RETRYING
    following = tomorrow + timedelta(days=1)
    second = await environment.run_pass(schedule, at=following, now=following)
    assert isinstance(second, Outcome)
    assert second.state is ExecutionState.SKIPPED
    assert second.reason.code is ReasonCode.OVERLAP


async def test_no_secret_of_a_block_reaches_the_ledger(environment: Environment) -> None:
    schedule = await environment.create()
    await environment.run_pass(schedule, await environment.request(schedule))
    path = environment.settings.data_dir.parent / "mailroom.db"
    with sqlite3.connect(path) as connection:
        dump = "\n".join(connection.iterdump())
    connection.close()
    assert "warehouse.db" not in dump, "the source's URL is a secret of its block"
