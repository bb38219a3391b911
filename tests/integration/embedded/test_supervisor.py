"""The supervisor and the guard, with small real processes."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from embedded.processes import guard
from embedded.processes.process_log import ProcessLog
from embedded.processes.supervisor import Service, StartFailed, Supervisor
from tests.support.processes import below, children_with, gone
from tests.support.waiting import eventually

FOREVER = "import signal, time\nprint('here', flush=True)\nwhile True: time.sleep(60)"
STUBBORN = (
    "import signal, time\nsignal.signal(signal.SIGTERM, lambda *_: open('{0}.asked', 'w').close())\n"
    "open('{0}', 'w').close()\nwhile True: time.sleep(600)"
)


class Lines:
    """What the supervisor says."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def __call__(self, name: str, text: str) -> None:
        self.said.append(f"{name}: {text}")


async def _at_once() -> bool:
    return True


def _service(
    name: str, program: str, *, answers: Callable[[], Awaitable[bool]] = _at_once, within: float = 20
) -> Service:
    return Service(name, [sys.executable, "-c", program], dict(os.environ), answers, starts_within=within)


def _running(program: str) -> list[int]:
    """Return the ids of this process's children that run a program."""
    return [child.pid for child in children_with(program)]


async def _begun() -> list[int]:
    """Wait until a child runs `FOREVER`: it has its command line only some time after its start."""
    found: list[int] = []

    def look() -> bool:
        found[:] = _running(FOREVER)
        return bool(found)

    await eventually(look)
    return found


async def test_a_service_that_dies_is_started_again_and_it_is_said(tmp_path: Path) -> None:
    lines = Lines()
    supervisor = Supervisor(tmp_path, lines, first_pause=0.05)
    await supervisor.start(_service("one", FOREVER))
    (first,) = await _begun()

    os.kill(first, signal.SIGKILL)
    await eventually(lambda: _running(FOREVER) not in ([], [first]))

    assert any("signal SIGKILL. It will be started again" in line for line in lines.said)
    await supervisor.stop()
    assert _running(FOREVER) == []


async def test_a_service_is_started_again_although_the_first_try_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = 0
    real = asyncio.create_subprocess_exec

    async def short_of_processes(*command: Any, **options: Any) -> asyncio.subprocess.Process:
        nonlocal tries
        tries += 1
        if tries == 2:
            raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
        return await real(*command, **options)

    async def is_started_again() -> bool:
        supervisor = Supervisor(tmp_path, Lines(), first_pause=0.05)
        await supervisor.start(_service("one", FOREVER))
        (first,) = await _begun()
        os.kill(first, signal.SIGKILL)
        await eventually(lambda: tries >= 2)
        with contextlib.suppress(pytest.fail.Exception):
            await eventually(lambda: _running(FOREVER) not in ([], [first]))
        running = _running(FOREVER)
        await supervisor.stop()
        return running not in ([], [first])

    monkeypatch.setattr(asyncio, "create_subprocess_exec", short_of_processes)
    again = await is_started_again()
    # A keeper that ended with an error says so when it is collected: here, and not amid the report of another test.
    gc.collect()
    assert again


async def test_a_keeper_that_fails_unexpectedly_goes_on(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    told = 0

    def fails_once(_name: str, _text: str) -> None:
        nonlocal told
        told += 1
        if told == 1:
            raise ValueError("the terminal is not what it was")

    supervisor = Supervisor(tmp_path, fails_once, first_pause=0.05)
    await supervisor.start(_service("one", FOREVER))
    (first,) = await _begun()
    os.kill(first, signal.SIGKILL)
    await eventually(lambda: _running(FOREVER) not in ([], [first]))
    assert "keep one" in caplog.text
    await supervisor.stop()
    assert _running(FOREVER) == []


async def test_output_is_read_on_after_an_unexpected_error(tmp_path: Path) -> None:
    told = 0

    def fails_once(_name: str, _text: str) -> None:
        nonlocal told
        told += 1
        if told == 1:
            raise ValueError("the terminal is not what it was")

    done = tmp_path / "done"
    program = (  # More than the pipe and the reader hold.
        f"import time\nprint('ERROR once', flush=True)\nprint('x' * 2_000_000, flush=True)\n"
        f"open({str(done)!r}, 'w').close()\nwhile True: time.sleep(60)"
    )
    supervisor = Supervisor(tmp_path, fails_once, first_pause=0.05)
    await supervisor.start(_service("one", program))
    await eventually(done.exists)
    assert told == 1
    await supervisor.stop()


async def test_the_pause_grows_while_it_keeps_dying(tmp_path: Path) -> None:
    lines = Lines()
    supervisor = Supervisor(tmp_path, lines, first_pause=0.01, longest_pause=30)
    go = tmp_path / "go"
    program = f"import os, time\nwhile not os.path.exists({str(go)!r}): time.sleep(0.01)\nraise SystemExit(3)"
    await supervisor.start(_service("one", program))
    go.touch()

    await eventually(lambda: sum("status 3" in line for line in lines.said) >= 4)
    await supervisor.stop()

    pauses = [line.rpartition(" in ")[2] for line in lines.said if "started again" in line]
    assert pauses[:4] == ["0.01 s.", "0.02 s.", "0.04 s.", "0.08 s."]


async def test_a_service_that_ends_at_start_is_an_error_with_its_last_words(tmp_path: Path) -> None:
    async def never() -> bool:
        return False

    supervisor = Supervisor(tmp_path, Lines())
    with pytest.raises(StartFailed, match=r"one ended with status 4:\n  \| no luck today") as failed:
        await supervisor.start(_service("one", "print('no luck today'); raise SystemExit(4)", answers=never))
    assert str(tmp_path / "one.log") in failed.value.remedy
    await supervisor.stop()


async def test_a_service_that_never_answers_is_an_error(tmp_path: Path) -> None:
    async def never() -> bool:
        return False

    supervisor = Supervisor(tmp_path, Lines())
    with pytest.raises(StartFailed, match=r"did not answer within 0\.5 s"):
        await supervisor.start(_service("one", FOREVER, answers=never, within=0.5))
    await supervisor.stop()
    assert _running(FOREVER) == []


async def test_what_answers_in_the_place_of_a_service_that_ended_is_not_taken_for_it(tmp_path: Path) -> None:
    supervisor = Supervisor(tmp_path, Lines())

    async def another_does() -> bool:
        await eventually(lambda: not _running("raise SystemExit(4)"))  # Its port was taken.
        return True

    with pytest.raises(StartFailed, match="one ended with status 4"):
        await supervisor.start(_service("one", "raise SystemExit(4)", answers=another_does))
    await supervisor.stop()


async def test_a_service_that_cannot_be_started_again_is_tried_until_it_can(tmp_path: Path) -> None:
    python, hidden = tmp_path / "python", tmp_path / "hidden"
    python.symlink_to(sys.executable)
    lines = Lines()
    supervisor = Supervisor(tmp_path, lines, first_pause=0.01, longest_pause=0.1)
    await supervisor.start(Service("one", [str(python), "-c", FOREVER], dict(os.environ), _at_once))
    first = _running(FOREVER)[0]

    python.rename(hidden)
    os.kill(first, signal.SIGKILL)
    await eventually(lambda: sum("could not be started again" in line for line in lines.said) >= 2)
    hidden.rename(python)
    await eventually(lambda: _running(FOREVER) not in ([], [first]))
    await supervisor.stop()


async def test_a_service_that_is_being_started_again_ends_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {child.pid for child in below(os.getpid())}
    supervisor = Supervisor(tmp_path, Lines(), first_pause=0.01)
    await supervisor.start(_service("one", FOREVER))
    stopping: list[asyncio.Task[None]] = []
    stock = asyncio.create_subprocess_exec

    async def start_while_stopped(*command: Any, **more: Any) -> asyncio.subprocess.Process:
        stopping.append(asyncio.create_task(supervisor.stop()))
        return await stock(*command, **more)

    monkeypatch.setattr(asyncio, "create_subprocess_exec", start_while_stopped)
    os.kill(_running(FOREVER)[0], signal.SIGKILL)
    await eventually(lambda: bool(stopping))
    await stopping[0]
    assert {child.pid for child in below(os.getpid())} <= before


async def test_services_end_in_reverse_order(tmp_path: Path) -> None:
    note = tmp_path / "ended"
    program = (
        "import signal, sys, time\n"
        f"def end(*_):\n    open({str(note)!r}, 'a').write(sys.argv[0] + '{{0}} ')\n    sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, end)\nprint('ERROR ready', flush=True)\nwhile True: time.sleep(60)"
    )
    lines = Lines()
    supervisor = Supervisor(tmp_path, lines)
    for name in ("one", "two", "three"):
        await supervisor.start(_service(name, program.replace("{0}", name)))
    await eventually(lambda: len(lines.said) == 3)

    await supervisor.stop()

    assert note.read_text().replace("-c", "").split() == ["three", "two", "one"]


async def test_firm_waits_for_nobody(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    supervisor = Supervisor(tmp_path, Lines())
    await supervisor.start(_service("one", STUBBORN.format(ready)))
    await eventually(ready.exists)
    began = time.monotonic()
    stopping = asyncio.create_task(supervisor.stop(patience=60))
    await eventually(Path(f"{ready}.asked").exists)
    assert not stopping.done()

    supervisor.firm.set()
    await stopping

    assert time.monotonic() - began < 50
    assert _running(STUBBORN.format(ready)) == []


async def test_the_guard_ends_even_grandchildren_in_sessions_of_their_own(tmp_path: Path) -> None:
    mark = f"test-{os.getpid()}-{time.time_ns()}"
    note = tmp_path / "pid"
    program = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], start_new_session=True)\n"
        f"open({str(note)!r}, 'w').write(str(child.pid))\ntime.sleep(600)"
    )
    watch = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "embedded.processes.guard", mark, stdin=asyncio.subprocess.PIPE
    )
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", program, env={**os.environ, guard.MARK: mark})
    await eventually(lambda: note.exists() and note.read_text() != "")
    grandchild = int(note.read_text())

    assert watch.stdin is not None
    watch.stdin.close()  # As when `up` dies: no farewell.

    await asyncio.wait_for(watch.wait(), 30)
    await asyncio.wait_for(child.wait(), 30)
    await gone(grandchild)


async def test_a_zombie_that_nobody_collects_holds_the_sweep_up_no_longer(tmp_path: Path) -> None:
    mark = f"test-{os.getpid()}-{time.time_ns()}"
    note = tmp_path / "pid"
    careless = (  # Its own child has the mark, and is never waited for.
        "import os, subprocess, sys, time\n"
        f"environment = {{**os.environ, {guard.MARK!r}: {mark!r}}}\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], env=environment)\n"
        f"open({str(note)!r}, 'w').write(str(child.pid))\ntime.sleep(600)"
    )
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", careless)
    await eventually(lambda: note.exists() and note.read_text() != "")
    child = psutil.Process(int(note.read_text()))
    began = time.monotonic()
    try:
        assert await asyncio.to_thread(guard.sweep, mark, 60) == 1
        assert time.monotonic() - began < 30, "it had ended at once"
        assert child.status() == psutil.STATUS_ZOMBIE
        assert child.is_running()
        assert not guard.lives(child)
    finally:
        parent.kill()
        await parent.wait()
    await gone(child)


async def test_after_a_farewell_the_guard_leaves_everything_alone() -> None:
    mark = f"test-{os.getpid()}-{time.time_ns()}"
    watch = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "embedded.processes.guard", mark, stdin=asyncio.subprocess.PIPE
    )
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "import time; time.sleep(600)", env={**os.environ, guard.MARK: mark}
    )
    assert watch.stdin is not None
    watch.stdin.write(guard.FAREWELL)
    watch.stdin.close()

    await asyncio.wait_for(watch.wait(), 20)
    assert child.returncode is None
    assert await asyncio.to_thread(guard.sweep, mark, 5) == 1
    await child.wait()


async def test_a_log_is_rotated_by_size_and_loses_nothing_of_a_long_line(tmp_path: Path) -> None:
    shown: list[str] = []
    log = ProcessLog(tmp_path / "x.log", shown.append, max_bytes=20_000, keep=2)
    stream = asyncio.StreamReader()
    stream.feed_data(b"first\n" + b"x" * 30_000 + b"\n2026 | ERROR | it broke\n" + b"last without an end")
    stream.feed_eof()
    await log.read(stream)
    log.close()

    kept = "".join(path.read_text() for path in sorted(tmp_path.glob("x.log*"), reverse=True))
    assert kept.count("x") == 30_000
    assert kept.startswith("first\n")
    assert kept.endswith("last without an end\n")
    assert len(list(tmp_path.glob("x.log*"))) > 1
    assert shown == ["2026 | ERROR | it broke"]
    assert log.tail[-1] == "last without an end"
