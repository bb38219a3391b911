"""A clean process with flows imported, from which the children are forked: `python -m …zygote DESCRIPTOR`.

It is started afresh, not forked from the worker, and stays single-threaded: no event loop, client or API logger ever
runs in it, since a fork copies none of their threads and all of their locks. It talks to the worker over the socket
whose descriptor it is given:

    worker -> {"load": entrypoint, "steps": [...], "path": ..., "recycle": {...}}, and later more of the same place
    zygote -> {"ready": entrypoint, "files": {path: [mtime, size]}, "hooks": bool}   or {"unusable": reason}
    worker -> {"spawn": id} with the child's socket      zygote -> {"spawned": id, "pid": pid}
    zygote -> {"exited": id, "status": as of waitpid}

It ends when the worker's end of the socket is closed, and its children with it.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import json
import os
import select
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

# Imported before the fork and started after it, if at all: what each child would otherwise import at its first run.
import anyio._backends._asyncio  # noqa: F401
import prefect.concurrency.asyncio
import prefect.events.worker
import prefect.flow_engine
import prefect.task_engine  # noqa: F401
from prefect.flows import Flow

from prefect_mailroom.worker import prefect_private
from prefect_mailroom.worker.processes import child
from prefect_mailroom.worker.processes.code import CodeUnusable, Fingerprint, Recycle, fingerprint, own_files
from prefect_mailroom.worker.processes.rehearsal import rehearse
from prefect_mailroom.worker.processes.wire import Message, Wire
from prefect_mailroom.worker.shared_tls import share_tls_contexts

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Load, report, and fork until the worker hangs up."""
    control = Wire(socket.socket(fileno=int(sys.argv[1])))
    order = control.receive()
    if order is None:
        return
    nursery = Nursery(control, Recycle(**order["recycle"]))
    try:
        _settle_in(order)
        nursery.load(order["load"])
    except CodeUnusable as error:
        control.send({"unusable": str(error)})
        return
    nursery.serve()


def _settle_in(order: Message) -> None:
    """Go to where the project is, and have ready what every run needs."""
    share_tls_contexts()
    try:
        if order["path"]:
            os.chdir(order["path"])
        if order["steps"]:
            os.chdir(_pull(order["steps"]))
    except OSError as error:
        raise CodeUnusable(f"The flow {order['load']} could not be loaded: {error}") from None
    directory = str(Path.cwd())
    if directory not in sys.path:
        sys.path.insert(0, directory)
    _prepare(rehearse)


def _load(entrypoint: str) -> tuple[Flow[..., Any], Fingerprint]:
    try:
        script, colon, _ = entrypoint.rpartition(":")
        # Before the import: a change during it must count as one.
        before = fingerprint([str(Path(script).resolve())] if colon else [])
        flow = prefect_private.load_flow(entrypoint)
    except CodeUnusable:
        raise
    except BaseException as error:
        trace = "".join(traceback.format_exception(error)[-12:])
        raise CodeUnusable(
            f"The flow {entrypoint} could not be loaded in {Path.cwd()}: {type(error).__name__}: {error}\n{trace}"
        ) from None
    # A flow's module can have a function of this name for what its runs share: it may read, and must leave no thread
    # or connection behind.
    _prepare(flow.fn.__globals__.get("before_fork"))
    return flow, fingerprint(own_files(str(Path.cwd()))) | before


def _prepare(what: Callable[[], object] | None) -> None:
    """Make the children's first runs as quick as later ones. Where this fails, the first runs are slower."""
    try:
        if what is not None:
            what()
    except Exception:
        sys.stderr.write("Warm-up failed; first runs will be slower:\n")
        traceback.print_exc()


def _pull(steps: list[dict[str, Any]]) -> str:
    """Carry out the pull steps in a fork, since they need an event loop; returns the directory to work in."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        told: Message
        try:
            os.close(reading)
            directory = asyncio.run(prefect_private.pull(steps, _say))
            told = {"directory": str(Path(directory or ".").resolve())}
        except BaseException as error:  # Whatever it was, the parent reports it.
            told = {"error": f"{type(error).__name__}: {error}"}
        with contextlib.suppress(OSError), os.fdopen(writing, "w") as out:
            json.dump(told, out)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as source:
        text = source.read()
    _, status = os.waitpid(pid, 0)
    answer: Message = json.loads(text) if text else {"error": f"the pull steps ended with exit status {status}"}
    if "error" in answer:
        raise CodeUnusable(f"The deployment's pull steps failed: {answer['error']}")
    return str(answer["directory"])


def _say(*said: object, **_: object) -> None:
    sys.stderr.write(" ".join(map(str, said)) + "\n")


def _refuse_threads(entrypoint: str) -> None:
    threads = [thread.name for thread in threading.enumerate() if thread is not threading.main_thread()]
    if threads:
        raise CodeUnusable(
            f"Importing {entrypoint} starts threads ({', '.join(threads)}), so it cannot be forked safely. "
            "Start them, and load blocks, inside the flow; or run this deployment on a work pool of type process."
        )


class Nursery:
    """Loads flows, forks children and reports their ends."""

    def __init__(self, control: Wire, recycle: Recycle) -> None:
        self._control, self._recycle = control, recycle
        self._flows: dict[str, Flow[..., Any]] = {}
        self._children: dict[int, int] = {}  # pid -> id
        self._woken, self._waker = os.pipe()
        os.set_blocking(self._woken, False)
        os.set_blocking(self._waker, False)

    def load(self, entrypoint: str) -> None:
        """Import a flow for the children to come, and report it; raises `CodeUnusable`."""
        flow, files = _load(entrypoint)
        _refuse_threads(entrypoint)
        self._flows[entrypoint] = flow
        gc.collect()
        gc.freeze()
        self._control.send({"ready": entrypoint, "files": files, "hooks": bool(flow.on_cancellation_hooks)})

    def serve(self) -> None:
        """Fork and report until the worker hangs up; then no child is left."""
        signal.signal(signal.SIGCHLD, lambda *_: None)  # A handler must exist for the wake-up byte to be written.
        signal.set_wakeup_fd(self._waker, warn_on_full_buffer=False)
        control = self._control.fileno()
        try:
            while True:
                readable, _, _ = select.select([control, self._woken], [], [])
                if self._woken in readable:
                    with contextlib.suppress(BlockingIOError):
                        os.read(self._woken, 4096)
                    self._reap()
                if control in readable and not self._obey():
                    return
        except (BrokenPipeError, ConnectionResetError):
            return  # The worker died while we told it something.
        finally:
            for pid in self._children:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(pid, signal.SIGKILL)

    def _obey(self) -> bool:
        order, descriptor = self._control.receive_with_descriptor()
        if order is not None and "load" in order:
            try:
                self.load(order["load"])
            except CodeUnusable as error:  # The children go on, and no other is asked for.
                self._control.send({"unusable": str(error)})
            return True
        if order is None or descriptor is None:
            return False
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            self._become_child(descriptor, parent)
        # The child does this too; whoever comes second changes nothing. Once the worker knows the id, it may kill the
        # group, and a child that was not in it yet would live on and run what was cancelled.
        with contextlib.suppress(ProcessLookupError):
            os.setpgid(pid, pid)
        os.close(descriptor)
        self._children[pid] = order["spawn"]
        self._control.send({"spawned": order["spawn"], "pid": pid})
        return True

    def _reap(self) -> None:
        while self._children:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid in self._children:
                self._control.send({"exited": self._children.pop(pid), "status": status})

    def _become_child(self, descriptor: int, parent: int) -> NoReturn:
        code = 70
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            # A group of its own: killing a run kills the commands that it started.
            os.setpgid(0, 0)
            _die_with(parent)
            os.close(self._woken)
            os.close(self._waker)
            self._control.close()
            child.serve(Wire(socket.socket(fileno=descriptor)), self._flows, self._recycle)
            code = 0
        except BaseException:  # Nothing may unwind into the zygote's own loop.
            traceback.print_exc()
        finally:
            for stream in (sys.stdout, sys.stderr):
                with contextlib.suppress(Exception):
                    stream.flush()
            os._exit(code)


def _die_with(parent: int) -> None:
    """Have the kernel kill this process when its parent dies, where the system can do that (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # It died before the line above.
        os._exit(70)


if __name__ == "__main__":
    main()
