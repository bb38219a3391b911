"""The worker's ends of a zygote and of its children."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import shutil
import signal
import socket
import sys
import tempfile
import time
from dataclasses import asdict
from itertools import count
from typing import TYPE_CHECKING, TypeVar

from prefect_mailroom.worker.prefect_private import settings_as_environment
from prefect_mailroom.worker.processes.code import Code, CodeUnusable, Fingerprint, changed
from prefect_mailroom.worker.processes.wire import MAX_LINE, Message, line

if TYPE_CHECKING:
    from prefect.client.schemas.objects import FlowRun
    from prefect.client.schemas.responses import DeploymentResponse

# Pull steps may clone a repository; imports may be slow on a busy machine.
_LOAD_SECONDS = 300
_SPAWN_SECONDS = 30
_BEGIN_SECONDS = 60
_LAST_WORDS_SECONDS = 5
# Of a deployment: what is long and of no use to a child.
_NOT_TOLD = {"parameters", "parameter_openapi_schema", "job_variables", "pull_steps", "schedules", "status"}
_ids = count(1)
T = TypeVar("T")


class ChildDied(Exception):
    """A child ended in the middle of a run; `begun` tells whether the engine may have started on it."""

    def __init__(self, reason: str, *, begun: bool) -> None:
        super().__init__(reason)
        self.begun = begun


def in_words(status: int | None) -> str:
    """Return a status of `waitpid` as a person would say it."""
    if status is None:
        return "its process disappeared, together with the process that it was forked from"
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        name = signal.Signals(number).name
        hint = "; perhaps the machine ran out of memory" if number == signal.SIGKILL else ""
        return f"its process was killed by signal {number} ({name}){hint}"
    return f"its process exited with code {os.waitstatus_to_exitcode(status)}"


def _tell(waiting: asyncio.Future[T] | None, result: T) -> None:
    """Give a result to whoever waits for it, unless they gave up: they may have, in this very moment of the loop."""
    if waiting is not None and not waiting.done():
        waiting.set_result(result)


class Child:
    """One forked process. It works on one run at a time."""

    def __init__(self, zygote: Zygote, pid: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.zygote, self.pid = zygote, pid
        self.flows = frozenset(zygote.hooks)
        self._flow = ""
        self._reader, self._writer = reader, writer
        self.exited: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()

    @property
    def alive(self) -> bool:
        """Tell whether the child can be given a run."""
        return not self.exited.done() and not self._reader.at_eof() and not self._writer.is_closing()

    @property
    def has_hooks(self) -> bool:
        """Tell whether the flow that the child runs has cancellation hooks."""
        return self.zygote.hooks.get(self._flow, False)

    async def run(self, entrypoint: str, flow_run: FlowRun, deployment: DeploymentResponse) -> Message:
        """Run it; returns what the child said at the end, or raises `ChildDied`."""
        begun = False
        self._flow = entrypoint
        try:
            told = deployment.model_dump(mode="json", exclude=_NOT_TOLD)
            run = flow_run.model_dump(mode="json")
            self._writer.write(line({"flow": entrypoint, "run": run, "deployment": told}))
            await self._writer.drain()
            await asyncio.wait_for(self._read(), _BEGIN_SECONDS)
            begun = True
            return await self._read()
        except (ConnectionError, EOFError, TimeoutError):
            reason = await self.kill()
            raise ChildDied(reason, begun=begun) from None

    async def _read(self) -> Message:
        text = await self._reader.readline()
        if not text.endswith(b"\n"):
            raise EOFError
        message: Message = json.loads(text)
        return message

    def send_signal(self, number: int) -> None:
        """Send a signal to the child alone, not to what it started."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    async def kill(self) -> str:
        """End the child and what it started, at once; returns how it ended, in words."""
        if not self.exited.done():
            # Its own end, if it is dying already, says more than ours would.
            with contextlib.suppress(TimeoutError):
                if self._reader.at_eof():
                    await asyncio.wait_for(asyncio.shield(self.exited), 1)
        if not self.exited.done():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
        self.hang_up()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(self.exited), _LAST_WORDS_SECONDS)
        return in_words(self.exited.result() if self.exited.done() else None)

    def hang_up(self) -> None:
        """Give the child no more runs; it ends by itself once its last logs are sent."""
        self._writer.close()


class Zygote:
    """One process with flows of one place imported. `hooks` tells for each whether it has cancellation hooks."""

    def __init__(self, process: asyncio.subprocess.Process, control: socket.socket, home: str) -> None:
        self.hooks: dict[str, bool] = {}
        self.children: dict[int, Child] = {}
        self.last_used = time.monotonic()
        self._process, self._control, self._home = process, control, home
        self._files: Fingerprint = {}
        self._loaded: asyncio.Future[Message] | None = None
        self._spawned: dict[int, asyncio.Future[int]] = {}
        self._early: dict[int, int] = {}
        self._listening: asyncio.Task[None] | None = None
        self._kept: asyncio.StreamWriter | None = None
        self._lock = asyncio.Lock()

    @classmethod
    async def start(cls, code: Code) -> Zygote:
        """Start a zygote and wait until the flow is imported; raises `CodeUnusable`."""
        ours, theirs = socket.socketpair()
        home = tempfile.mkdtemp(prefix="mailroom-warm-")
        environment = {**os.environ, **settings_as_environment(), **dict(code.env)}
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "prefect_mailroom.worker.processes.zygote", str(theirs.fileno())),
                stdin=asyncio.subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                env=environment,
                cwd=home,
                start_new_session=True,  # Ctrl+C is for the worker, which then ends its children in good order.
            )
        except BaseException:
            ours.close()
            shutil.rmtree(home, ignore_errors=True)
            raise
        finally:
            theirs.close()
        ours.setblocking(False)
        zygote = cls(process, ours, home)
        try:
            # The same connection, read through a duplicate: descriptors can be sent over the socket itself alone.
            # The writer is kept for the connection's sake: it closes it when it is collected.
            reader, zygote._kept = await asyncio.open_connection(sock=ours.dup(), limit=MAX_LINE)
            zygote._listening = asyncio.create_task(zygote._listen(reader))
            await zygote.load(code)
        except BaseException:
            await zygote.kill()
            raise
        return zygote

    async def load(self, code: Code) -> None:
        """Import one more flow of its place, for the children to come; raises `CodeUnusable`."""
        order = {"load": code.entrypoint, "path": code.path, "recycle": asdict(code.recycle)}
        async with self._lock:
            loop = asyncio.get_running_loop()
            told = self._loaded = loop.create_future()
            try:
                await loop.sock_sendall(self._control, line({**order, "steps": json.loads(code.pull_steps)}))
                answer = await asyncio.wait_for(told, _LOAD_SECONDS)
            except TimeoutError:
                raise CodeUnusable(f"Loading {code.entrypoint} took longer than {_LOAD_SECONDS} s.") from None
            except ConnectionError:
                status = await self._process.wait()
                ended = f"The process that loads {code.entrypoint} ended with code {status}; see its output."
                raise CodeUnusable(ended) from None
            finally:
                self._loaded = None
        if "unusable" in answer:
            raise CodeUnusable(str(answer["unusable"]))
        self.hooks[code.entrypoint] = bool(answer["hooks"])
        # A flow that was loaded before may have changed since; its first fingerprint stays.
        self._files = {path: (at, size) for path, (at, size) in answer["files"].items()} | self._files

    @property
    def pid(self) -> int:
        """Return the process id of the zygote itself."""
        return self._process.pid

    def lives(self) -> bool:
        """Tell whether children can be forked from it."""
        return self._listening is not None and not self._listening.done()

    def changed(self) -> str | None:
        """Return the file of the flow that was changed since it was imported, if any."""
        return changed(self._files)

    async def spawn(self) -> Child:
        """Fork a child; raises ConnectionError when the zygote is gone."""
        number = next(_ids)
        ours, theirs = socket.socketpair()
        try:
            async with self._lock:
                told = self._spawned[number] = asyncio.get_running_loop().create_future()
                if not self.lives():
                    raise ConnectionError("The zygote is gone.")
                socket.send_fds(self._control, [line({"spawn": number})], [theirs.fileno()])
                pid = await asyncio.wait_for(told, _SPAWN_SECONDS)
            reader, writer = await asyncio.open_connection(sock=ours, limit=MAX_LINE)
        except BaseException as error:
            ours.close()
            if isinstance(error, TimeoutError):
                await self.kill()
                raise ConnectionError("The zygote does not answer.") from None
            raise
        finally:
            self._spawned.pop(number, None)
            theirs.close()
        child = Child(self, pid, reader, writer)
        self.children[number] = child
        if number in self._early:
            self._bury(number, self._early.pop(number))
        elif not self.lives():
            self._bury(number, None)
        return child

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        try:
            while (text := await reader.readline()).endswith(b"\n"):
                message: Message = json.loads(text)
                if "ready" in message or "unusable" in message:
                    _tell(self._loaded, message)
                elif "spawned" in message:
                    _tell(self._spawned.get(message["spawned"]), message["pid"])
                elif "exited" in message:
                    self._bury(message["exited"], message["status"])
        except ConnectionError:
            logging.getLogger("prefect.worker").debug("A zygote hung up.", exc_info=True)
        finally:
            for waiting in [*self._spawned.values(), self._loaded]:
                if waiting is not None and not waiting.done():
                    waiting.set_exception(ConnectionError("The zygote ended."))
            for number in list(self.children):
                self._bury(number, None)

    def _bury(self, number: int, status: int | None) -> None:
        child = self.children.pop(number, None)
        if child is None:
            if status is not None:
                self._early[number] = status  # It ended before `spawn` had made its handle.
        elif not child.exited.done():
            if status is None:  # The kernel kills it when its zygote dies, but not what it started.
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(child.pid, signal.SIGKILL)
            child.exited.set_result(status)

    async def kill(self) -> None:
        """End the zygote and every child that is left. They die with it, by the kernel or by their closed socket."""
        if self._process.returncode is None:
            # Hanging up lets it kill the children itself; SIGKILL is for one that does not listen.
            with contextlib.suppress(OSError):
                self._control.shutdown(socket.SHUT_RDWR)
            try:
                await asyncio.wait_for(self._process.wait(), 2)
            except TimeoutError:
                with contextlib.suppress(ProcessLookupError):
                    self._process.kill()
                await self._process.wait()
        for child in list(self.children.values()):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
        if self._listening is not None:
            self._listening.cancel()
        if self._kept is not None:
            self._kept.close()
        self._control.close()
        await asyncio.to_thread(shutil.rmtree, self._home, ignore_errors=True)
