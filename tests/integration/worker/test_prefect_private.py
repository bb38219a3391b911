"""Guards: every private part of Prefect that the warm worker stands on is there and does what it relies on."""

from __future__ import annotations

import inspect
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import httpx
import prefect.flow_engine
import prefect.results
import pytest
from prefect._internal import control_listener
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.objects import StateType
from prefect.context import AsyncClientContext
from prefect.events.worker import EventsWorker
from prefect.exceptions import TerminationSignal
from prefect.flows import flow
from prefect.logging.handlers import APILogHandler, APILogWorker
from prefect.logging.loggers import get_logger
from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings
from prefect.states import Completed, Pending, Running, Scheduled
from prefect.utilities.engine import capture_sigterm
from prefect.workers.base import BaseWorker

from prefect_mailroom.worker import prefect_private
from prefect_mailroom.worker.settle import InHand, settle, was_run_meanwhile
from prefect_mailroom.worker.warm import WarmWorker


def test_the_worker_overrides_what_prefect_calls() -> None:
    for name in ("get_and_submit_flow_runs", "_submit_run", "_setup_cancellation_observer", "setup", "teardown"):
        assert inspect.iscoroutinefunction(getattr(BaseWorker, name))
    assert "self._submit_run" in inspect.getsource(BaseWorker._submit_scheduled_flow_runs)
    assert "self.get_and_submit_flow_runs" in inspect.getsource(BaseWorker.start)
    assert "_setup_cancellation_observer" in inspect.getsource(BaseWorker._initialize_after_sync)
    assert BaseWorker.get_worker_class_from_type("mailroom-warm") is WarmWorker


async def test_the_collections_are_told_as_prefect_tells_them() -> None:
    worker = WarmWorker(work_pool_name="any")
    stock, ours = await BaseWorker._worker_metadata(worker), await worker._worker_metadata()
    assert stock is not None
    assert ours is not None
    assert {(one.name, one.version) for one in stock.integrations} == {(o.name, o.version) for o in ours.integrations}


@pytest.fixture(autouse=True)
def api(prefect_server: str) -> Iterator[str]:
    """Name the server, or else Prefect would start one of its own."""
    with temporary_settings({PREFECT_API_URL: prefect_server}):
        yield prefect_server


async def test_claims_are_won_once_and_counted(api: str) -> None:
    """The one guard against two workers with the same run: the second proposal of Pending is refused."""

    @flow
    def nothing() -> None: ...

    async with PrefectClient(api) as client:
        await client.create_work_pool(WorkPoolCreate(name="claims", type="mailroom-warm"), overwrite=True)
        run = await client.create_flow_run(nothing, state=Scheduled())
    async with WarmWorker(work_pool_name="claims", limit=1) as worker:
        assert worker.polled()
        assert worker.run_limit == 1
        room = worker.room()
        worker.hold(run.id)
        assert worker.holds(run.id)
        assert worker.room() == room - 1
        assert await worker.claim(run)
        assert not await worker.claim(run)
        worker.let_go(run.id)
        worker.let_go(run.id)
        assert worker.room() == room


async def test_the_worker_hears_the_time_of_the_server(api: str) -> None:
    async with PrefectClient(api) as client:
        await client.create_work_pool(WorkPoolCreate(name="timely", type="mailroom-warm"), overwrite=True)
    async with WarmWorker(work_pool_name="timely", limit=1) as worker:
        clock = worker.server_clock()
        clock._local = lambda: datetime(2000, 1, 1, tzinfo=UTC)
        assert clock.now().year == 2000, "nothing was heard yet"
        await worker.client.hello()
        assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=60)


async def test_a_claim_of_a_run_that_ended_meanwhile_is_undone(api: str) -> None:
    """The server lets a finished run become Pending, so a late claim must not lead to a second execution."""

    @flow
    def nothing() -> None: ...

    async with PrefectClient(api) as client:
        await client.create_work_pool(WorkPoolCreate(name="late", type="mailroom-warm"), overwrite=True)
        run = await client.create_flow_run(nothing, state=Scheduled())
        async with WarmWorker(work_pool_name="late", limit=1) as worker:
            assert await worker.claim(run)
            assert not await was_run_meanwhile(worker, run, worker._reads)
            await client.set_flow_run_state(run.id, Running())
            await client.set_flow_run_state(run.id, Completed(message="by another"))
            assert await worker.claim(run), "Prefect refuses this by now: was_run_meanwhile can go."
            assert await was_run_meanwhile(worker, run, worker._reads)
        state = (await client.read_flow_run(run.id)).state
        assert state is not None
        assert (state.type, state.message) == (StateType.COMPLETED, "by another")


async def test_a_run_whose_deployment_is_gone_is_cancelled(api: str) -> None:
    @flow
    def nothing() -> None: ...

    async with PrefectClient(api) as client:
        await client.create_work_pool(WorkPoolCreate(name="gone", type="mailroom-warm"), overwrite=True)
        run = await client.create_flow_run(nothing, state=Scheduled())
        run.deployment_id = uuid4()
        async with WarmWorker(work_pool_name="gone", limit=1) as worker:
            assert await worker._deployment(run) is None
            assert not await worker._claim(run, None)
        state = (await client.read_flow_run(run.id)).state
        assert state is not None
        assert (state.type, state.message) == (StateType.CANCELLED, "Its deployment no longer exists.")


async def test_a_grace_time_that_is_no_number_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_MAILROOM_WORKER_GRACE_SECONDS", "soon")
    with pytest.raises(SystemExit, match="'soon'; it must be a number of seconds"):
        await WarmWorker(work_pool_name="gone", limit=1).setup()


class Deaf(httpx.AsyncBaseTransport):
    """Sends what it is given, and loses the answer to each new state until it is told to listen."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self.inner, self.deaf = inner, True

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await self.inner.handle_async_request(request)
        if self.deaf and request.url.path.endswith("/set_state"):
            await answer.aclose()
            self.deaf = False
            raise httpx.ReadError("the connection broke", request=request)
        return answer


@pytest.mark.parametrize("mine", [True, False])
async def test_a_claim_without_an_answer_is_taken_back_if_it_is_ours(api: str, mine: bool) -> None:
    @flow
    def nothing() -> None: ...

    async with PrefectClient(api) as client:
        await client.create_work_pool(WorkPoolCreate(name="deaf", type="mailroom-warm"), overwrite=True)
        flow_id = await client.create_flow(nothing)
        deployment = await client.create_deployment(flow_id, f"deaf-{uuid4()}", work_pool_name="deaf")
        run = await client.create_flow_run_from_deployment(deployment)
        async with WarmWorker(work_pool_name="deaf", limit=1) as worker:
            if not mine:
                await client.set_flow_run_state(run.id, Pending(message="Claimed by worker another."))
            inner = worker.client._client
            inner._transport = Deaf(inner._transport)
            worker.hold(run.id)
            worker._in_hand[run.id] = InHand(run)
            with temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0}):  # Here alone: a busy server is asked again.
                await worker._submit_run(run)
            assert not worker.holds(run.id)
        state = (await client.read_flow_run(run.id)).state
    assert state is not None
    if mine:
        assert state.type is StateType.SCHEDULED
        assert "no answer to its claim" in str(state.message)
    else:
        assert (state.type, state.message) == (StateType.PENDING, "Claimed by worker another.")


class Refusing(httpx.AsyncBaseTransport):
    """Answers 500 to the first new state."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self.inner, self.refused = inner, False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if not self.refused and request.url.path.endswith("/set_state"):
            self.refused = True
            return httpx.Response(500, json={}, request=request)
        return await self.inner.handle_async_request(request)


async def test_a_crash_that_prefect_does_not_take_at_first_is_told_again(api: str) -> None:
    """Otherwise the run would stay Running for good, though its process is gone."""

    @flow
    def nothing() -> None: ...

    async with PrefectClient(api) as client:
        await client.create_work_pool(WorkPoolCreate(name="crashed", type="mailroom-warm"), overwrite=True)
        run = await client.create_flow_run(nothing, state=Running())
        async with WarmWorker(work_pool_name="crashed", limit=1) as worker:
            transport = Refusing(worker.client._client._transport)
            worker.client._client._transport = transport
            with temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0}):
                await settle(worker, InHand(run, claimed=True), "its process exited with code 7")
        assert transport.refused
        state = (await client.read_flow_run(run.id)).state
    assert state is not None
    assert (state.type, state.message) == (StateType.CRASHED, "its process exited with code 7")


class Spoiled(httpx.AsyncBaseTransport):
    """Answers 500 to the first look at runs."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self.inner, self.spoiled = inner, False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if not self.spoiled and request.url.path.endswith("/flow_runs/filter"):
            self.spoiled = True
            return httpx.Response(500, json={}, request=request)
        return await self.inner.handle_async_request(request)


async def test_a_claim_that_cannot_be_made_sure_of_is_taken_back(api: str) -> None:
    """The run was claimed, and Prefect fails when it is asked whether another worker has run it: nobody ran it yet."""

    @flow
    def nothing() -> None: ...

    async with PrefectClient(api) as client:
        await client.create_work_pool(WorkPoolCreate(name="spoiled", type="mailroom-warm"), overwrite=True)
        flow_id = await client.create_flow(nothing)
        deployment = await client.create_deployment(flow_id, f"spoiled-{uuid4()}", work_pool_name="spoiled")
        run = await client.create_flow_run_from_deployment(deployment)
        async with WarmWorker(work_pool_name="spoiled", limit=1) as worker:
            inner = worker.client._client
            inner._transport = spoiled = Spoiled(inner._transport)
            worker.hold(run.id)
            worker._in_hand[run.id] = InHand(run)
            with temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0}):
                await worker._submit_run(run)
            assert spoiled.spoiled
        state = (await client.read_flow_run(run.id)).state
    assert state is not None
    assert state.type is StateType.SCHEDULED


def test_flows_load_by_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plain_function.py").write_text("def main(): return 1")
    assert prefect_private.load_flow("plain_function.py:main").fn() == 1


async def test_pull_steps_say_where_to_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "inner").mkdir()
    step = {"prefect.deployments.steps.set_working_directory": {"directory": str(tmp_path / "inner")}}
    assert await prefect_private.pull([step], lambda *_, **__: None) == str(tmp_path / "inner")
    with pytest.raises(ModuleNotFoundError, match="no_such"):
        await prefect_private.pull([{"no_such.step": {}}], lambda *_, **__: None)


def test_the_heartbeat_thread_is_not_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    beats: list[float] = []

    def run() -> tuple[float, bool]:
        """How long it took, and whether the thread outlives it: for up to a second, as it sleeps so long."""
        before = set(threading.enumerate())
        engine: Any = SimpleNamespace(
            heartbeat_seconds=30,
            flow_run=None,
            logger=get_logger("test"),
            _build_heartbeat_event_template=lambda: ({}, []),
            _emit_flow_run_heartbeat=lambda *_: beats.append(1),
        )
        start = time.monotonic()
        with prefect.flow_engine._send_heartbeats(engine):
            while not beats:
                time.sleep(0.001)
        return time.monotonic() - start, bool(set(threading.enumerate()) - before)

    monkeypatch.setattr(prefect.flow_engine, "_send_heartbeats", prefect.flow_engine._send_heartbeats)
    took, _ = run()
    assert took > 0.3, "Prefect no longer joins it: the patch can go."
    beats.clear()
    prefect_private.do_not_join_heartbeats()
    _, outlived = run()
    assert outlived
    assert "with _send_heartbeats(self)" in inspect.getsource(prefect.flow_engine.FlowRunEngine.run_context)


def test_the_default_result_storage_is_asked_for_once_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    get_default_result_storage: Any = prefect.results.get_default_result_storage  # Its type hides `_sync`.
    monkeypatch.setattr(prefect.results, "_read_server_default_result_storage_block_id", lambda: asked.append(1))
    get_default_result_storage(_sync=True)
    assert asked, "Prefect asks in another way by now: look at the cost of a run again."
    prefect_private.remember_result_storage()
    for _ in range(3):
        get_default_result_storage(_sync=True)
    assert len(asked) == 2


@pytest.fixture
def clean_intent() -> Iterator[None]:
    yield
    prefect_private.forget_intent()


@pytest.mark.usefixtures("clean_intent")
def test_an_intent_makes_a_sigterm_a_cancellation_and_is_forgotten() -> None:
    prefect_private.intend_to_cancel()
    assert prefect.flow_engine._termination_intent() == "cancel"
    with pytest.raises(TerminationSignal), capture_sigterm():
        signal.raise_signal(signal.SIGTERM)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    control_listener._engine_outcome_handled = True
    prefect_private.forget_intent()
    assert control_listener.get_intent() is None
    assert not control_listener.engine_outcome_is_handled()


def test_draining_ends_the_services() -> None:
    services: list[Any] = [EventsWorker.instance(), APILogWorker.instance()]
    prefect_private.drain(10)
    assert all(service._stopped for service in services)


def test_importing_prefect_sets_up_its_logs() -> None:
    loggers = [get_logger("flow_runs"), get_logger("task_runs")]
    assert all(any(isinstance(handler, APILogHandler) for handler in logger.handlers) for logger in loggers)


async def test_a_client_stays_open_from_run_to_run() -> None:
    async with AsyncClientContext.get_or_create() as outer:
        async with AsyncClientContext.get_or_create() as inner:
            assert inner.client is outer.client
        await outer.client.hello()


def test_settings_travel_as_environment(api: str) -> None:
    assert prefect_private.settings_as_environment()["PREFECT_API_URL"] == api


def test_importing_the_engine_starts_no_thread() -> None:
    code = "import prefect_mailroom.worker.processes.zygote, threading; print([t.name for t in threading.enumerate()])"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert told.stdout.strip() == "['MainThread']"
