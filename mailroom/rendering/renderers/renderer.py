"""The parent's side of one renderer process: it gives the jobs, keeps the time and the memory, and ends the process."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import suppress
from pathlib import Path

import psutil
from pydantic import ValidationError

from mailroom.errors import Unavailable
from mailroom.rendering.job import RenderJob
from mailroom.rendering.progress import Tell
from mailroom.rendering.renderers import limits, wire
from mailroom.rendering.renderers.child import Order
from mailroom.reports.errors import RenderFailed
from prefect_mailroom import never_targets

ROOT = Path(__file__).parents[3]
WATCH_SECONDS = 0.1
START_SECONDS = 60
GROWN_MB = 700
"""A renderer that is larger after a job is replaced; one that has drawn charts for hours rests well below."""
# The parent's environment may hold secrets (API keys, database URLs), so only these are passed on; the last two are
# the operator's list of private hosts that a source may reach, and the mark by which `mailroom up` finds what it has
# started. What a source may never reach is added.
PASSED_ON = (
    "PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "VIRTUAL_ENV", "PYTHONPATH", "LD_LIBRARY_PATH",
    "SSL_CERT_FILE", "SSL_CERT_DIR", "MAILROOM_OUTBOUND_ALLOW", "MAILROOM_UP_ID",
)  # fmt: skip
_OUT_OF_MEMORY = (b"memory allocation", b"out of memory", b"Out of memory", b"OutOfMemory", b"MemoryError")


class RendererDied(RenderFailed):
    """The process ended in the middle of a job, for a reason that is none of the job's limits."""


class Renderer:
    """A renderer process that waits for a job."""

    def __init__(self, process: Process) -> None:
        assert process.stdin is not None  # They are pipes, see `start`.
        assert process.stdout is not None
        assert process.stderr is not None
        self._process, self._jobs, self._answers = process, process.stdin, process.stdout
        self._last_words = b""
        self._listener = asyncio.create_task(self._listen(process.stderr))
        self._good = True

    @classmethod
    async def start(cls, *, warm: bool) -> Renderer:
        """Start a process and wait until it is ready; a warm one has loaded all that a report may need.

        Raises:
            Unavailable: it did not come up.
        """
        command = [sys.executable, "-m", "mailroom.rendering.renderers.child", *(["--warm"] if warm else [])]
        environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        environment |= never_targets.passed_on()
        try:
            process = await asyncio.create_subprocess_exec(
                *command, stdin=PIPE, stdout=PIPE, stderr=PIPE, cwd=ROOT, env=environment, start_new_session=True
            )
        except OSError as error:
            raise _not_started(str(error.strerror)) from error
        renderer = cls(process)
        try:
            async with asyncio.timeout(START_SECONDS):
                await wire.receive(renderer._answers)
        except (wire.Broken, TimeoutError) as error:
            await renderer.end()
            raise _not_started(f"it ended with status {process.returncode}") from error
        except BaseException:
            await renderer.end()
            raise
        return renderer

    @property
    def pid(self) -> int:
        """Return the process's id, which is its group's too."""
        return self._process.pid

    @property
    def fit(self) -> bool:
        """Tell whether the renderer can be given a job."""
        return self._good and self._process.returncode is None

    async def render(self, job: RenderJob, work: Path, tell: Tell | None = None) -> wire.Answer:
        """Do one job within its limits, its files in the new folder `work`. Afterwards look at `fit`.

        Args:
            tell: is called with how far the job is.

        Raises:
            LimitExceeded: it wanted more time or memory; the process has been ended.
            RendererDied: the process ended by itself.
        """
        self._good = False
        try:
            answer = await self._answer(job, work, tell)
            spent = (answer.error or {}).get("limit") == "memory_mb"
            self._good = not spent and self._resident() <= GROWN_MB << 20
            return answer
        finally:
            if not self._good:
                await self.end()

    async def end(self) -> None:
        """Kill what is left of the process group."""
        self._good = False
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        await self._process.wait()
        self._listener.cancel()
        self._jobs.close()

    async def _answer(self, job: RenderJob, work: Path, tell: Tell | None) -> wire.Answer:
        self._last_words = b""
        talk = asyncio.create_task(self._talk(job, work, tell))
        watch = asyncio.create_task(self._watch(self._resident() + (job.limits.memory_mb << 20)))
        try:
            done, _ = await asyncio.wait({talk, watch}, timeout=job.limits.seconds, return_when=asyncio.FIRST_COMPLETED)
            if talk in done:
                return talk.result()
            if watch in done:
                raise limits.memory_exceeded(job.limits)
            raise limits.time_exceeded(job.limits)
        finally:
            talk.cancel()
            watch.cancel()
            await asyncio.gather(talk, watch, return_exceptions=True)

    async def _talk(self, job: RenderJob, work: Path, tell: Tell | None) -> wire.Answer:
        try:
            self._jobs.write(wire.packed(Order(job=job, work=work, progress=tell is not None)))
            await self._jobs.drain()
            return await wire.last_answer(self._answers, tell)
        except (wire.Broken, ConnectionError, ValidationError):
            pass  # How it ended is told below.
        with suppress(TimeoutError):  # What it says no more was no message; it is ended in any case.
            await asyncio.wait_for(self._process.wait(), 5)
        await asyncio.wait({self._listener}, timeout=1)
        code = self._process.returncode
        if code == -signal.SIGXCPU:
            raise limits.time_exceeded(job.limits)
        if any(words in self._last_words for words in _OUT_OF_MEMORY):
            raise limits.memory_exceeded(job.limits)
        raise RendererDied(
            f"The renderer process {_how(code)}.",
            remedy=("Render again. If this happens again, look at the system log of the machine."),
        )

    async def _listen(self, stream: asyncio.StreamReader) -> None:
        """Keep the last bytes. They are searched for words about memory and never shown: they may hold data."""
        while piece := await stream.read(1 << 16):
            self._last_words = (self._last_words + piece)[-8192:]

    async def _watch(self, most: int) -> None:
        """Return once the process is larger than `most` bytes; if it ends before that, never."""
        while 0 < (size := self._resident()) <= most:  # noqa: ASYNC110 - another process sets no event
            await asyncio.sleep(WATCH_SECONDS)
        if not size:
            await asyncio.Event().wait()

    def _resident(self) -> int:
        """Return the bytes in memory now; 0 where the process has ended."""
        try:
            return int(psutil.Process(self._process.pid).memory_info().rss)
        except psutil.NoSuchProcess:
            return 0


def _how(code: int | None) -> str:
    if code is None:
        return "sent an answer that cannot be read"
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with status {code}"


def _not_started(why: str) -> Unavailable:
    return Unavailable(
        f"A renderer process could not be started: {why}.", remedy=("Run `mailroom doctor` to look for the cause.")
    )
