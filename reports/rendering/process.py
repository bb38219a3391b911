"""One job in a process of its own: `python -m reports.rendering.process` reads it from stdin, answers on stdout.

The child sets the kernel's limits on itself (`limits.py`). The parent keeps the time and the memory, and ends the
child's whole process group when either is used up, when the caller is cancelled, or when the child has answered.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import suppress
from pathlib import Path

import psutil

from prefect_mailroom.errors import MailroomError
from reports.rendering import limits, wire
from reports.rendering.errors import RenderFailed, placed
from reports.rendering.job import RenderJob, RenderResult
from reports.rendering.publish import publish, working_folder, working_path

ROOT = Path(__file__).parents[2]
WATCH_SECONDS = 0.1
MAX_ANSWER = 64_000_000
# The parent's environment may hold secrets (API keys, database URLs), so only these are passed on; the last is the
# operator's list of private hosts that an HTTP source may reach.
PASSED_ON = (
    "PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "VIRTUAL_ENV", "PYTHONPATH", "LD_LIBRARY_PATH",
    "SSL_CERT_FILE", "SSL_CERT_DIR", "MAILROOM_OUTBOUND_ALLOW",
)  # fmt: skip
_OUT_OF_MEMORY = (b"memory allocation", b"out of memory", b"Out of memory", b"OutOfMemory", b"MemoryError")


async def render(job: RenderJob) -> RenderResult:
    """Render the job in a process of its own, within its limits. After an error or a cancellation nothing is left.

    Raises:
        ConfigurationError, SourceUnavailable, SourceRefused, RenderFailed: see `render.render_here`.
        LimitExceeded: it wanted more than a limit gives, which is named.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "reports.rendering.process",
        stdin=PIPE, stdout=PIPE, stderr=PIPE, cwd=ROOT, env=_environment(), start_new_session=True,
    )  # fmt: skip
    with working_folder(job, process.pid):
        try:
            # Only an answer within the limits makes the files appear.
            return publish((await _answer(job, process)).unwrap(), job.folder)
        except MailroomError as error:
            raise placed(error, report=job.definition.id) from error
        finally:
            await _end(process)


async def _answer(job: RenderJob, process: Process) -> wire.Answer:
    talk = asyncio.create_task(_talk(job, process))
    watch = asyncio.create_task(_watch(process.pid, job.limits.memory_mb << 20))
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


async def _talk(job: RenderJob, process: Process) -> wire.Answer:
    assert process.stdin is not None  # They are pipes, see above.
    assert process.stdout is not None
    assert process.stderr is not None
    ending = asyncio.create_task(_tail(process.stderr))
    with suppress(BrokenPipeError, ConnectionResetError):  # It died before it had read: its end is told below.
        process.stdin.write(job.model_dump_json().encode())
        await process.stdin.drain()
        process.stdin.close()
    answer = await _all(process.stdout)
    code = await process.wait()
    last_words = await ending
    if code == 0:
        return wire.Answer.model_validate_json(answer)
    if code == -signal.SIGXCPU:
        raise limits.time_exceeded(job.limits)
    if any(words in last_words for words in _OUT_OF_MEMORY):
        raise limits.memory_exceeded(job.limits)
    how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with status {code}"
    raise RenderFailed(f"The renderer process {how}.", remedy="Render again; if it lasts, look at the machine's log.")


async def _all(stream: asyncio.StreamReader) -> bytes:
    """All that the stream gives, at most `MAX_ANSWER` bytes; what a broken child says beyond that is thrown away."""
    pieces, size = [], 0
    while piece := await stream.read(1 << 20):
        size += len(piece)
        if size <= MAX_ANSWER:
            pieces.append(piece)
    return b"".join(pieces)


async def _tail(stream: asyncio.StreamReader) -> bytes:
    """The last bytes of the stream. They are searched for words about memory and never shown: they may hold data."""
    last = b""
    while piece := await stream.read(1 << 16):
        last = (last + piece)[-8192:]
    return last


async def _watch(pid: int, most: int) -> None:
    """Return once the process is larger than `most` bytes; if it ends before that, never."""
    with suppress(psutil.NoSuchProcess):
        child = psutil.Process(pid)
        while child.memory_info().rss <= most:  # noqa: ASYNC110 - another process sets no event
            await asyncio.sleep(WATCH_SECONDS)
        return
    await asyncio.Event().wait()


async def _end(process: Process) -> None:
    """End what is left of the process group: the child, and whatever a shell source started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


def _environment() -> dict[str, str]:
    return {name: os.environ[name] for name in PASSED_ON if name in os.environ}


def main() -> None:
    """The child: one job in, one answer out."""
    # Whatever a library prints must not mix with the answer.
    answer_to = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    job = RenderJob.model_validate_json(sys.stdin.buffer.read())
    limits.keep(job.limits)
    from reports.rendering.render import render_into  # noqa: PLC0415 - under the limits, as all that it imports

    try:
        answer = wire.Answer(result=render_into(job, working_path(job, os.getpid())))
    except MailroomError as error:
        answer = wire.failed(error)
    answer_to.write(answer.model_dump_json().encode())
    answer_to.close()


if __name__ == "__main__":
    main()
