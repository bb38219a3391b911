"""The guard: a small process that outlives `up` and ends what `up` started, should `up` be killed.

Each process of an embedded system carries a mark in its environment, and children inherit it, so nothing escapes by
starting a session of its own. The guard reads a pipe from `up`: its end without a farewell means that `up` has died.
This works the same on Linux and macOS; PR_SET_PDEATHSIG would reach the direct children alone, and Linux alone.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable
from contextlib import suppress

import psutil

MARK = "MAILROOM_UP_ID"
FAREWELL = b"bye"


def marked(mark: str) -> list[psutil.Process]:
    """Return the processes that carry the mark, this one excepted."""
    found = []
    for process in psutil.process_iter():
        try:
            # A zombie has no environment left.
            if process.pid != os.getpid() and process.environ().get(MARK) == mark:
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue  # Gone, or another user's: not ours.
    return found


def lives(process: psutil.Process) -> bool:
    """Tell whether the process runs still. A zombie does not: it has ended, and its parent has yet to notice."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def sweep(mark: str, patience: float) -> int:
    """End every marked process: asked first, killed after `patience` seconds. Returns how many there were."""
    ended = 0
    while processes := marked(mark):
        ended += len(processes)
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.terminate()
        alive = _alive_after(patience, processes)
        for process in alive:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        _alive_after(5, alive)
    return ended


def _alive_after(seconds: float, processes: Iterable[psutil.Process]) -> list[psutil.Process]:
    """Return those that still live after so many seconds, as soon as there are none.

    Not `psutil.wait_procs`: it waits for zombies too, and in a container nobody may ever collect them.
    """
    deadline = time.monotonic() + seconds
    while (alive := [process for process in processes if lives(process)]) and time.monotonic() < deadline:
        time.sleep(0.05)
    return alive


def main() -> None:
    """Wait for the pipe on standard input to end."""
    mark, said = sys.argv[1], b""
    while chunk := sys.stdin.buffer.read(64):
        said += chunk
    if FAREWELL not in said:
        sweep(mark, patience=8)


if __name__ == "__main__":
    main()
