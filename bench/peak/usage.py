"""CPU seconds and memory of the stack's processes, by part."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import psutil

MARKS = {
    "server": ("prefect server start", "prefect.server"),
    "worker": ("worker start", "prefect_mailroom.worker", "prefect.engine", "flow-run execute"),
    "renderers": ("reports.rendering",),
    "api": ("uvicorn api.app",),
    "database": ("postgres",),
}


def part_of(process: psutil.Process) -> str | None:
    """Which part of the stack a process is, by its own command line or the nearest parent's that tells."""
    found: psutil.Process | None = process
    while found is not None:
        line = " ".join(found.cmdline())
        for part, marks in MARKS.items():
            if any(mark in line for mark in marks):
                return part
        found = found.parent()
    return None


@dataclass
class Usage:
    """CPU seconds so far by part, those of ended children included, and the highest PSS in bytes by part."""

    cpu: dict[str, float] = field(default_factory=dict)
    peak_pss: dict[str, int] = field(default_factory=dict)

    def sample(self, roots: Iterable[psutil.Process]) -> None:
        """Look at every process below `roots` now."""
        cpu: dict[str, float] = {}
        pss: dict[str, int] = {}
        for root in roots:
            for process in [root, *root.children(recursive=True)]:
                try:
                    part = part_of(process)
                    if part is None:
                        continue
                    times = process.cpu_times()
                    memory = process.memory_full_info().pss
                except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
                    continue  # It ended meanwhile; its parent's children_* have its seconds.
                spent = times.user + times.system + times.children_user + times.children_system
                cpu[part] = cpu.get(part, 0.0) + spent
                pss[part] = pss.get(part, 0) + memory
        self.cpu = cpu
        for part, size in pss.items():
            self.peak_pss[part] = max(self.peak_pss.get(part, 0), size)
