"""What tests ask about processes, whichever of them ends in the middle of a look.

psutil's `is_running()` is true of a zombie, and a process may be gone between two questions about it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator

import psutil
import pytest

from embedded.processes.guard import lives


def below(pid: int) -> list[psutil.Process]:
    """Return the process's children and theirs; none where it has ended."""
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def children_with(words: str, parent: int | None = None) -> list[psutil.Process]:
    """Return the children of a process, by default of this one, whose command line has these words."""
    try:
        return [process for process, line in command_lines(psutil.Process(parent).children()) if words in line]
    except psutil.NoSuchProcess:
        return []


def command_lines(processes: Iterable[psutil.Process]) -> Iterator[tuple[psutil.Process, str]]:
    """Yield each process that lives with its command line."""
    for process in processes:
        try:
            yield process, " ".join(process.cmdline())
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue  # It has ended, or is a zombie, whose command line is gone.


def environments(processes: Iterable[psutil.Process]) -> Iterator[dict[str, str]]:
    """Yield the environment of each process that lives."""
    for process in processes:
        try:
            yield process.environ()
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue  # It has ended, or is a zombie, whose environment is gone.


def with_variable(name: str, value: str) -> list[psutil.Process]:
    """Return every process of this machine that has the variable in its environment."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(name) == value:
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue  # It has ended, or is another user's.
    return found


async def gone(*processes: psutil.Process | int, seconds: float = 30, told: Callable[[], str] = str) -> None:
    """Wait until the processes, or those with these ids, have ended; a zombie has."""
    deadline = time.monotonic() + seconds
    while left := _left(processes):
        if time.monotonic() > deadline:
            pytest.fail(f"Still there after {seconds:g} s: {left}. {told()}")
        await asyncio.sleep(0.02)


def _left(processes: Iterable[psutil.Process | int]) -> list[psutil.Process]:
    found = []
    for process in processes:
        try:
            known = psutil.Process(process) if isinstance(process, int) else process
        except psutil.NoSuchProcess:
            continue
        if lives(known):
            found.append(known)
    return found
