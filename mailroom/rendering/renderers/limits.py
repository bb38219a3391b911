"""The limits that the kernel keeps for a renderer process, set by the process itself before each job.

RLIMIT_AS is of no use here: the JavaScript engine of the charts reserves 67 GB of addresses at a resident size of
78 MB (measured). RLIMIT_DATA counts what is writable, which for the same process is 578 MB; so it is set well above the
limit, as a net. The limit itself is kept by the parent, which watches by how much the resident size grows.
"""

from __future__ import annotations

import os
import resource
from pathlib import Path

from mailroom.rendering.job import Limits
from mailroom.reports.errors import LimitExceeded

DATA_HEADROOM = 1 << 30
"""Bytes that are writable and never used: stacks of threads, arenas, the JavaScript engine's own heap."""


def keep(limits: Limits) -> None:
    """Bound what this process and its children may use from now on: memory, size of each file, processor time."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = int(used.ru_utime + used.ru_stime + limits.seconds * (os.cpu_count() or 1)) + 1
    for kind, value in (
        (resource.RLIMIT_DATA, _writable() + (limits.memory_mb << 20) + DATA_HEADROOM),
        (resource.RLIMIT_FSIZE, limits.output_mb << 20),
        (resource.RLIMIT_CPU, seconds),
    ):
        _, most = resource.getrlimit(kind)
        resource.setrlimit(kind, (value if most == resource.RLIM_INFINITY else min(value, most), most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # A core dump would hold data and secrets.


def lift() -> None:
    """Take the bounds of `keep` away again, core dumps excepted."""
    for kind in (resource.RLIMIT_DATA, resource.RLIMIT_FSIZE, resource.RLIMIT_CPU):
        _, most = resource.getrlimit(kind)
        resource.setrlimit(kind, (most, most))


def _writable() -> int:
    """Return the bytes that RLIMIT_DATA counts in this process; 0 where the system has no such limit or is silent."""
    status = Path("/proc/self/statm")
    return int(status.read_text().split()[5]) * resource.getpagesize() if status.exists() else 0


def memory_exceeded(limits: Limits) -> LimitExceeded:
    """Return the error of a job that wanted more memory than it may have."""
    return LimitExceeded(
        f"The rendering needed more than {limits.memory_mb:,} MB of memory.",
        limit="memory_mb",
        remedy="Show fewer rows in PDF, HTML and PNG, simplify the template, or raise the memory limit.",
    )


def time_exceeded(limits: Limits) -> LimitExceeded:
    """Return the error of a job that took longer than it may."""
    return LimitExceeded(
        f"The rendering was not finished after {limits.seconds:g} s.",
        limit="seconds",
        remedy="Make the query faster, narrow its parameters, or raise the time limit.",
    )


def output_exceeded(limits: Limits) -> LimitExceeded:
    """Return the error of a job one of whose files, or of the working files behind it, grew too large."""
    return LimitExceeded(
        f"A file grew larger than {limits.output_mb:,} MB.",
        limit="output_mb",
        remedy="Narrow the parameters, leave that format out, or raise the output limit.",
    )
