"""A large upload shows how far it is while it lasts, and one that is done soon costs nothing."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import pytest

from mailroom.executions import delivery_lifecycle
from mailroom.executions.history import upload_progress
from mailroom.passes.sending import upload_pace, upload_watch
from mailroom.passes.sending.upload_watch import watching
from mailroom.states import DeliveryState
from mailroom.storage.database import new_id
from mailroom.storage.tables import Delivery
from prefect_mailroom.channels.base import Parcel, Receipt
from prefect_mailroom.channels.folder import FolderChannel
from prefect_mailroom.errors import RetryLater
from tests.support.samples import FOLDER
from tests.support.statements import recorded
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from tests.support.environment import Environment
    from tests.support.flow_runs import FlowRuns

TOTAL = 214_000_000
on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Write what is told without a pause."""
    monkeypatch.setattr(upload_watch, "QUIET_SECONDS", 0.0)
    monkeypatch.setattr(upload_watch, "PAUSE_SECONDS", 0.01)


async def test_a_pass_shows_what_a_channel_tells_from_its_thread(
    environment: Environment, at_once: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, transfer = asyncio.Event(), FolderChannel.transfer

    async def slow(channel: FolderChannel, parcel: Parcel) -> Receipt:
        assert parcel.on_progress is not None
        await asyncio.to_thread(parcel.on_progress, 62_000_000, TOTAL)
        await go_on.wait()
        return await transfer(channel, parcel)

    monkeypatch.setattr(FolderChannel, "transfer", slow)
    schedule = await environment.create(destinations=[FOLDER])
    execution = await environment.request(schedule)
    working = asyncio.create_task(environment.run_pass(schedule, execution, run_id=new_id()))
    await eventually(lambda: _shows(environment, (DeliveryState.SENDING, 62_000_000, TOTAL)))
    go_on.set()
    await working
    assert await _shows(environment, (DeliveryState.DELIVERED, TOTAL, TOTAL))


async def test_an_upload_that_failed_shows_nothing_any_more(
    environment: Environment, at_once: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_channel: FolderChannel, parcel: Parcel) -> Receipt:
        assert parcel.on_progress is not None
        parcel.on_progress(62_000_000, TOTAL)
        await eventually(lambda: _shows(environment, (DeliveryState.SENDING, 62_000_000, TOTAL)))
        raise RetryLater("The line broke.")

    monkeypatch.setattr(FolderChannel, "transfer", broken)
    schedule = await environment.create(destinations=[FOLDER])
    await environment.run_pass(schedule, await environment.request(schedule), run_id=new_id())
    assert await _shows(environment, (DeliveryState.FAILED, None, None))


@on_sqlite
async def test_the_log_of_the_run_says_it_while_it_lasts(
    environment: Environment, flow_runs: FlowRuns, at_once: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload_pace, "LEAST_SECONDS", 0.0)
    lines, transfer, log = list[str](), FolderChannel.transfer, logging.getLogger("prefect.task_runs")

    def is_told() -> bool:
        return any("62 of 214 MB" in line for line in lines)

    async def slow(channel: FolderChannel, parcel: Parcel) -> Receipt:
        assert parcel.on_progress is not None
        await asyncio.to_thread(parcel.on_progress, 62_000_000, TOTAL)
        await eventually(is_told)
        return await transfer(channel, parcel)

    class Keeps(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record.getMessage())

    monkeypatch.setattr(FolderChannel, "transfer", slow)
    schedule = await environment.create(destinations=[FOLDER])
    run_id = await flow_runs.create(schedule, await environment.request(schedule))
    keeps = Keeps()
    log.addHandler(keeps)
    try:
        await flow_runs.work(run_id)
    finally:
        log.removeHandler(keeps)
    assert is_told()


@on_sqlite
async def test_what_is_told_late_changes_nothing(environment: Environment, at_once: None) -> None:
    schedule = await environment.create(destinations=[FOLDER])
    await environment.run_pass(schedule, await environment.request(schedule), run_id=new_id())
    (delivery,) = (await environment.deliveries()).values()
    with watching(environment.database, delivery, delivery.attempts) as watch:
        watch.tell(1, TOTAL)
        with recorded(environment.database) as recorder:
            await eventually(lambda: recorder.statements > 0)
    watch.tell(2, TOTAL)
    assert await _shows(environment, (DeliveryState.DELIVERED, None, None))


@on_sqlite
async def test_an_error_of_the_watch_leaves_the_delivery_alone(
    environment: Environment, at_once: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried, transfer = asyncio.Event(), FolderChannel.transfer

    async def broken(*_args: object, **_more: object) -> None:
        tried.set()
        raise RuntimeError("nobody thought of this")

    async def telling(channel: FolderChannel, parcel: Parcel) -> Receipt:
        assert parcel.on_progress is not None
        parcel.on_progress(62_000_000, TOTAL)
        await tried.wait()
        return await transfer(channel, parcel)

    monkeypatch.setattr(upload_progress, "note", broken)
    monkeypatch.setattr(FolderChannel, "transfer", telling)
    schedule = await environment.create(destinations=[FOLDER])
    await environment.run_pass(schedule, await environment.request(schedule), run_id=new_id())
    assert await _shows(environment, (DeliveryState.DELIVERED, None, None))


@on_sqlite
async def test_what_a_dead_pass_was_sending_shows_nothing_any_more(environment: Environment) -> None:
    schedule = await environment.create(destinations=[FOLDER])
    execution = await environment.request(schedule)
    await environment.run_pass(schedule, execution, run_id=new_id())
    async with environment.database.session() as session:
        (row,) = (await environment.deliveries()).values()
        row = await session.get_one(Delivery, row.id)
        row.status, row.sent_bytes, row.total_bytes = DeliveryState.SENDING, 62_000_000, TOTAL
        row.delivered_at = row.receipt = None
        for attempt in await environment.attempts():
            (await session.get_one(type(attempt), attempt.id)).outcome = None
        await session.flush()
        await delivery_lifecycle.abandon_attempts(session, execution.id, now=environment.now())
    assert await _shows(environment, (DeliveryState.UNKNOWN, None, None))


async def _shows(environment: Environment, expected: tuple[DeliveryState, int | None, int | None]) -> bool:
    found = [(row.status, row.sent_bytes, row.total_bytes) for row in (await environment.deliveries()).values()]
    return found == [expected]
