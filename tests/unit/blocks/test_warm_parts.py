"""The parts of the warm worker that decide without any process."""

from __future__ import annotations

import asyncio
import mmap
import os
import socket
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import UUID

import pytest
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.responses import DeploymentResponse

from prefect_mailroom.worker.backlog import spread
from prefect_mailroom.worker.configuration import WarmJobConfiguration
from prefect_mailroom.worker.processes.child import resident_bytes, why_retire
from prefect_mailroom.worker.processes.code import Code, CodeUnusable, Recycle, changed, fingerprint, own_files
from prefect_mailroom.worker.processes.handles import Zygote, in_words
from prefect_mailroom.worker.processes.wire import Wire, line


async def test_a_zygote_is_heard_on_after_somebody_gave_up_waiting() -> None:
    loop, reader = asyncio.get_running_loop(), asyncio.StreamReader()
    ours, theirs = socket.socketpair()
    process: Any = None  # It is not asked anything here.
    with ours, theirs:
        zygote = Zygote(process, ours, "")
        gave_up, waits, loaded = (loop.create_future() for _ in range(3))
        gave_up.cancel()
        loaded.cancel()
        zygote._spawned, zygote._loaded = {1: gave_up, 2: waits}, loaded
        for message in ({"ready": "a.py:main"}, {"spawned": 1, "pid": 11}, {"spawned": 2, "pid": 12}):
            reader.feed_data(line(message))
        reader.feed_eof()
        await zygote._listen(reader)
    assert waits.result() == 12


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"runs": 9, "minutes": 4.9, "growth_mb": 99.0}, None),
        ({"runs": 10, "minutes": 0, "growth_mb": 0}, "10 runs"),
        ({"runs": 1, "minutes": 5, "growth_mb": 0}, "5 minutes"),
        ({"runs": 1, "minutes": 0, "growth_mb": 100}, "grown by 100 MB"),
    ],
)
def test_when_a_child_is_replaced(facts: dict[str, Any], why: str | None) -> None:
    assert why_retire(Recycle(runs=10, minutes=5, growth_mb=100), **facts) == why


def test_memory_is_seen_to_grow() -> None:
    before = resident_bytes()
    # Mapped, since the allocator may have as much left over from what ran before.
    with mmap.mmap(-1, 60_000_000) as kept:
        kept.write(b"x" * 60_000_000)
        assert resident_bytes() - before > 50_000_000


def test_a_file_that_changes_or_goes_is_noticed(tmp_path: Path) -> None:
    one, other = tmp_path / "one.py", tmp_path / "other.py"
    one.write_text("1")
    other.write_text("2")
    known = fingerprint([str(one), str(other), str(tmp_path / "none.py")])
    assert changed(known) is None
    other.write_text("22")
    assert changed(known) == str(other)
    known = fingerprint([str(one), str(other)])
    os.utime(one, (1, 1))
    assert changed(known) == str(one)
    known = fingerprint([str(one), str(other)])
    one.unlink()
    assert changed(known) == str(one)


def test_files_of_the_flow_are_watched_and_installed_packages_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = tmp_path / ".venv"
    monkeypatch.setattr(sys, "prefix", str(environment))
    mine, installed = ModuleType("mine"), ModuleType("installed")
    mine.__file__ = str(tmp_path / "helper.py")
    installed.__file__ = str(environment / "lib" / "library.py")
    monkeypatch.setitem(sys.modules, "mine", mine)
    monkeypatch.setitem(sys.modules, "installed", installed)
    assert own_files(str(tmp_path)) == [str(tmp_path / "helper.py")]


@pytest.mark.parametrize(
    ("status", "words"),
    [(9, "killed by signal 9 (SIGKILL); perhaps"), (15, "signal 15 (SIGTERM)"), (7 << 8, "exited with code 7")],
)
def test_ends_in_words(status: int, words: str) -> None:
    assert words in in_words(status)
    assert "memory" not in in_words(15)
    assert "disappeared" in in_words(None)


def test_the_wire_keeps_messages_apart_and_passes_descriptors() -> None:
    ours, theirs = socket.socketpair()
    wire = Wire(theirs)
    big = {"text": "ä" * 200_000}
    ours.setblocking(False)
    ours.sendall(line({"n": 1}) + line({"n": 2}))
    assert [wire.receive(), wire.receive()] == [{"n": 1}, {"n": 2}]
    reading, writing = os.pipe()
    socket.send_fds(ours, [line({"take": 1})], [writing])
    os.close(writing)
    message, passed = wire.receive_with_descriptor()
    assert message == {"take": 1}
    assert passed is not None
    os.write(passed, b"here")
    os.close(passed)
    assert os.read(reading, 10) == b"here"
    os.close(reading)
    ours.setblocking(True)
    sender = threading.Thread(target=ours.sendall, args=(line(big),))
    sender.start()
    assert wire.receive() == big
    sender.join()
    ours.close()
    assert wire.receive() is None
    wire.close()


def deployment(**changes: Any) -> DeploymentResponse:
    fields = {"name": "d", "entrypoint": "f.py:main", "pull_steps": None, "path": "/code", "version": "1"}
    return DeploymentResponse.model_construct(**{**fields, **changes})


def test_code_is_told_apart_by_what_would_run() -> None:
    configuration = WarmJobConfiguration(env={"A": "1", "B": None}, max_runs=5)
    code = configuration.code_of(deployment())
    assert code == Code("f.py:main", "[]", "/code", "1", (("A", "1"),), Recycle(5, 45, 256))
    assert "'1')" not in repr(code), "an environment may hold secrets"
    steps = [{"prefect.deployments.steps.set_working_directory": {"directory": "/x"}}]
    changes: list[dict[str, Any]] = [{"version": "2"}, {"entrypoint": "g.py:main"}, {"pull_steps": steps}]
    others = {configuration.code_of(deployment(**change)) for change in changes}
    assert len(others - {code}) == 3
    assert WarmJobConfiguration(env={"A": "2"}).code_of(deployment()) != code


def test_code_that_cannot_be_had_is_refused_with_the_way_out() -> None:
    with pytest.raises(CodeUnusable, match="no entrypoint"):
        WarmJobConfiguration().code_of(deployment(entrypoint=None))
    with pytest.raises(CodeUnusable, match="add `pull` to prefect"):
        WarmJobConfiguration().code_of(deployment(storage_document_id="x"))


def test_each_worker_begins_elsewhere_among_runs_of_one_moment_and_queue_alone() -> None:
    nine, calm, urgent = datetime(2026, 11, 2, 9, tzinfo=UTC), UUID(int=1), UUID(int=2)

    def run(number: int, queue: UUID, minute: int) -> FlowRun:
        due = nine + timedelta(minutes=minute)
        return FlowRun(id=UUID(int=number), flow_id=calm, work_queue_id=queue, next_scheduled_start_time=due)

    runs = [run(0, urgent, 0), *(run(number, calm, 0) for number in range(1, 101)), run(101, calm, 1)]
    one, two = spread(runs, "worker-1"), spread(runs, "worker-2")
    assert spread(runs, "worker-1") == one, "the same again, so that what it lost is not found elsewhere"
    for found in (one, two):
        assert (found[0], found[-1]) == (runs[0], runs[-1])
        assert sorted(found, key=runs.index) == runs
    both = {run.id for run in one[1:13]} & {run.id for run in two[1:13]}
    assert len(both) < 4, "one or two of twelve are the same by chance"
