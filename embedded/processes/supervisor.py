"""Starts services, waits until each answers, starts them again when they die, and ends them in reverse order."""

from __future__ import annotations

import asyncio
import math
import signal
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from deployments.watched_loop import LoopHealth, keep_running
from embedded.processes.guard import lives
from embedded.processes.process_log import ProcessLog
from mailroom.settings import CHECKOUT
from prefect_mailroom.errors import MailroomError


class StartFailed(MailroomError):
    """A service did not come up."""


@dataclass(frozen=True, slots=True)
class Service:
    """A process to keep running. `answers` tells whether it can be used; it must not raise, nor take over 5 s."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(repr=False)
    answers: Callable[[], Awaitable[bool]]
    starts_within: float = 120


class _Running:
    def __init__(self, service: Service, log: ProcessLog) -> None:
        self.service, self.log = service, log
        self.process: asyncio.subprocess.Process | None = None
        self.reader: asyncio.Task[None] | None = None
        self.keeper: asyncio.Task[None] | None = None


class Supervisor:
    """Holds the services of one embedded system.

    Args:
        logs: the folder of the log files, one a service.
        say: shows a line to the person at the terminal: (service, text).
        first_pause, longest_pause: seconds before a dead service is started again; doubled each time.
    """

    def __init__(
        self, logs: Path, say: Callable[[str, str], None], *, first_pause: float = 1, longest_pause: float = 60
    ) -> None:
        self._logs, self._say = logs, say
        self._first_pause, self._longest_pause = first_pause, longest_pause
        self._running: list[_Running] = []
        self._stopping = asyncio.Event()
        self.firm = asyncio.Event()

    async def start(self, service: Service) -> None:
        """Start a service and wait until it answers; from then on it is kept running.

        Raises:
            StartFailed: it ended, or did not answer in time; the message holds its last lines.
        """
        log = ProcessLog(self._logs / f"{service.name}.log", lambda line: self._say(service.name, line))
        running = _Running(service, log)
        self._running.append(running)
        await self._spawn(running)
        assert running.process is not None
        deadline = time.monotonic() + service.starts_within
        while True:
            answers = await service.answers()
            # Looked at afterwards: where it ended, whoever answers is another program, on a port that it could not get.
            if _has_ended(running.process):
                await running.process.wait()
                await self._drained(running)
                raise self._failed(running, f"ended with status {running.process.returncode}")
            if answers:
                break
            if time.monotonic() > deadline:
                raise self._failed(running, f"did not answer within {service.starts_within:g} s")
            await asyncio.sleep(0.15)
        running.keeper = self._watched(f"keep {service.name}", lambda: self._keep(running))

    async def once(self, service: Service) -> None:
        """Run a service that ends by itself.

        Raises:
            StartFailed: it ended with another status than 0.
        """
        log = ProcessLog(self._logs / f"{service.name}.log", lambda line: self._say(service.name, line))
        running = _Running(service, log)
        self._running.append(running)
        await self._spawn(running)
        assert running.process is not None
        status = await running.process.wait()
        await self._drained(running)
        if status != 0:
            raise self._failed(running, f"ended with status {status}")

    async def stop(self, patience: float = 15) -> None:
        """End every service, the last started first: asked, then killed after `patience` seconds or when `firm`."""
        self._stopping.set()
        for running in reversed(self._running):
            if running.keeper is not None:
                # It may be starting the process again just now; then that one ends with it, or is known below.
                running.keeper.cancel()
                await asyncio.gather(running.keeper, return_exceptions=True)
            process = running.process
            if process is not None and process.returncode is None:
                with suppress(ProcessLookupError):
                    process.send_signal(signal.SIGKILL if self.firm.is_set() else signal.SIGTERM)
                if not await self._ended(process, patience):
                    with suppress(ProcessLookupError):
                        process.kill()
                    await process.wait()
            if running.reader is not None:
                running.reader.cancel()
            running.log.close()

    async def _ended(self, process: asyncio.subprocess.Process, patience: float) -> bool:
        waits = {asyncio.create_task(process.wait()), asyncio.create_task(self.firm.wait())}
        _, pending = await asyncio.wait(waits, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        return process.returncode is not None

    async def _spawn(self, running: _Running) -> None:
        # A session of its own: Ctrl-C in the terminal reaches `up` alone, which then ends the others in order.
        running.process = await asyncio.create_subprocess_exec(
            *running.service.command,
            env=dict(running.service.environment),
            cwd=CHECKOUT,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        output = running.process.stdout
        assert output is not None
        # A child whose output nobody reads stands still as soon as the pipe is full.
        running.reader = self._watched(f"read {running.service.name}", lambda: running.log.read(output))

    def _watched(self, name: str, work: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
        """Do the work as a task that goes on after an unexpected error, and says so in the log."""
        health = LoopHealth(name, late_after=math.inf)  # The terminal and the log tell of it; nobody asks this process.
        pauses = {"first_pause": self._first_pause, "longest_pause": self._longest_pause}
        return asyncio.create_task(keep_running(work, health, **pauses), name=name)

    async def _keep(self, running: _Running) -> None:
        """Start the service again whenever it dies, after a pause that grows while it keeps dying."""
        pause = self._first_pause
        while running.process is not None:
            began = time.monotonic()
            status = await running.process.wait()
            if self._stopping.is_set():
                return
            if time.monotonic() - began > self._longest_pause:
                pause = self._first_pause
            self._say(running.service.name, f"ended with {_status(status)}. It will be started again in {pause:g} s.")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause)
                return
            pause = min(pause * 2, self._longest_pause)
            try:
                await self._spawn(running)
            except OSError as error:  # Such as a machine that has no process to spare for a moment.
                self._say(running.service.name, f"could not be started again: {error}")

    @staticmethod
    async def _drained(running: _Running) -> None:
        """Let the reader take what is left, for a limited time, since a grandchild may hold the pipe open."""
        if running.reader is not None:
            await asyncio.wait({running.reader}, timeout=2)

    @staticmethod
    def _failed(running: _Running, what: str) -> StartFailed:
        lines = "\n".join(f"  | {line}" for line in running.log.tail) or "  | (no output)"
        return StartFailed(f"{running.service.name} {what}:\n{lines}", remedy=f"The whole log is in {running.log.path}")


def _has_ended(process: asyncio.subprocess.Process) -> bool:
    """Tell whether a process has ended, also where asyncio has yet to notice."""
    try:
        return process.returncode is not None or not lives(psutil.Process(process.pid))
    except psutil.NoSuchProcess:
        return True


def _status(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"status {code}"
