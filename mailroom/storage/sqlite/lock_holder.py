"""Find the process that holds SQLite's write lock of a database in WAL mode, as the kernel lists it. Linux only.

The file of the locks must not be opened to ask: when a process closes any descriptor of a file, the system takes away
every lock that it has on it (https://www.sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import psutil

_KERNEL_LIST = Path("/proc/locks")
_WRITE_LOCK_BYTE = 120
"""The write lock lies at this byte of the file `-shm`, https://www.sqlite.org/walformat.html#wal_locks."""


@dataclass(frozen=True, slots=True)
class Holder:
    """A process with the write lock. `state` is the system's word, such as `running`, `sleeping` or `stopped`."""

    pid: int
    state: str
    command: str

    def __str__(self) -> str:
        return f"process {self.pid} ({self.state}): {self.command}"


def write_lock_holder(database: Path) -> Holder | None:
    """Return who holds the write lock now; None where nobody does, or where the system does not tell."""
    try:
        inode = Path(f"{database}-shm").stat().st_ino
        listed = _KERNEL_LIST.read_text()
    except OSError:
        return None
    pid = pid_of_writer(listed, inode)
    if pid is None:
        return None
    try:
        process = psutil.Process(pid)
        return Holder(pid, process.status(), " ".join(" ".join(process.cmdline()).split())[:200])
    except psutil.Error:
        return Holder(pid, "unknown", "")


def pid_of_writer(listed: str, inode: int) -> int | None:
    """Return the process that has the write lock in the kernel's list; who waits for it is marked with an arrow. Pure.

    A line is such as `1: POSIX  ADVISORY  WRITE 24756 fe:00:2336993 120 120`.
    """
    for line in listed.splitlines():
        match line.split():
            case [_, "POSIX", "ADVISORY", "WRITE", pid, file, first, last] if file.rpartition(":")[2] == str(inode):
                if last == "EOF" or int(first) <= _WRITE_LOCK_BYTE <= int(last):
                    return int(pid)
    return None
