"""CPU seconds and memory of processes, by part of the stack."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import psutil

MARKS = {
    "server": ("prefect_server server start", "prefect.server"),
    "worker": (
        "worker start",
        "prefect_mailroom.worker",
        "prefect.engine",
        "flow-run execute",
        "rivals.served",
        "celery_app",
    ),
    "renderers": ("mailroom.rendering",),
    "api": ("uvicorn api.app",),
    "database": ("postgres",),
    "broker": ("redis-server",),
}
OTHER = "other"


def part_of(line: str) -> str | None:
    """Return the part that a command line belongs to, if this can be seen from it. Pure."""
    return next((part for part, marks in MARKS.items() if any(mark in line for mark in marks)), None)


def below(root: psutil.Process) -> Iterator[tuple[psutil.Process, str]]:
    """Every process from `root` down with its part: its own, or that of its nearest parent that tells."""
    try:
        processes = [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return
    parts: dict[int, str] = {}
    for process in processes:  # Parents come before their children.
        try:
            inherited = parts.get(process.ppid(), OTHER) if process is not root else OTHER
            parts[process.pid] = part_of(_command_line(process)) or inherited
        except psutil.NoSuchProcess:
            continue  # It ended meanwhile; its parent's children_* have its seconds.
        yield process, parts[process.pid]


def _command_line(process: psutil.Process) -> str:
    """Return its command line; "" for a zombie, which has none any more, but whose seconds no parent has yet."""
    try:
        return " ".join(process.cmdline())
    except psutil.ZombieProcess:
        return ""


@dataclass
class Usage:
    """CPU seconds so far by part, those of ended children included, and the highest PSS in bytes by part."""

    cpu: dict[str, float] = field(default_factory=dict)
    peak_pss: dict[str, int] = field(default_factory=dict)

    def sample(self, roots: Iterable[psutil.Process]) -> None:
        """Look at every process from `roots` down now."""
        cpu: dict[str, float] = {}
        pss: dict[str, int] = {}
        for root in roots:
            for process, part in below(root):
                try:
                    times = process.cpu_times()
                except (psutil.NoSuchProcess, psutil.AccessDenied):
                    continue  # As above.
                spent = times.user + times.system + times.children_user + times.children_system
                cpu[part] = cpu.get(part, 0.0) + spent
                # Asked for by itself: a process that has just ended keeps its seconds, and has no memory.
                with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                    pss[part] = pss.get(part, 0) + process.memory_full_info().pss
        self.cpu = cpu
        for part, size in pss.items():
            self.peak_pss[part] = max(self.peak_pss.get(part, 0), size)

    def since(self, before: dict[str, float]) -> dict[str, float]:
        """CPU seconds by part since an earlier look."""
        return {part: self.cpu[part] - before.get(part, 0.0) for part in sorted(self.cpu)}
