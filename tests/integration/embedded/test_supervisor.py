"""The supervisor and the guard, with small real processes."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import psutil
import pytest

from embedded.processes import guard
from embedded.processes.process_log import ProcessLog
from embedded.processes.supervisor import Service, StartFailed, Supervisor
from tests.support.waiting import eventually

FOREVER = "import signal, time\nprint('here', flush=True)\nwhile True: time.sleep(60)"
STUBBORN = (
    "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nopen('{0}', 'w').close()\ntime.sleep(600)"
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


async def test_a_service_that_dies_is_started_again_and_it_is_said(tmp_path: Path) -> None:
    lines = Lines()
    supervisor = Supervisor(tmp_path, lines, first_pause=0.05)
    await supervisor.start(_service("one", FOREVER))
    first = supervisor.process_ids()["one"]

    os.kill(first, signal.SIGKILL)
    await eventually(lambda: supervisor.process_ids().get("one", first) != first)

    assert any("signal SIGKILL; it is started again" in line for line in lines.said)
    await supervisor.stop()
    assert supervisor.process_ids() == {}


async def test_the_pause_grows_while_it_keeps_dying(tmp_path: Path) -> None:
    lines = Lines()
    supervisor = Supervisor(tmp_path, lines, first_pause=0.01, longest_pause=30)
    await supervisor.start(_service("one", "raise SystemExit(3)", answers=_at_once))

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
    assert supervisor.process_ids() == {}


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
    await asyncio.sleep(0.2)
    assert not stopping.done()

    supervisor.firm.set()
    await stopping

    assert time.monotonic() - began < 10
    assert supervisor.process_ids() == {}


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
    await asyncio.wait_for(child.wait(), 5)
    assert not psutil.pid_exists(grandchild) or psutil.Process(grandchild).status() == psutil.STATUS_ZOMBIE


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
