"""Describe the code that a zygote has loaded: one version of a project's flows, in one environment."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

# Path -> (modification time in ns, size in bytes).
Fingerprint = dict[str, tuple[int, int]]


class CodeUnusable(Exception):
    """The flow's code cannot be loaded; the text says why."""


@dataclass(frozen=True, slots=True)
class Recycle:
    """The limits after which a child is replaced: runs, minutes, or MB of growth since it was forked."""

    runs: int = 200
    minutes: float = 45
    growth_mb: int = 256


@dataclass(frozen=True, slots=True)
class Code:
    """One flow, and the place that it is loaded in. Flows of the same place share a zygote.

    `pull_steps` is the deployment's list as JSON; `path` the folder of a deployment without pull steps; `env` what the
    work pool and the deployment add to the worker's environment.
    """

    entrypoint: str
    pull_steps: str = "[]"
    path: str | None = None
    version: str | None = None
    env: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    recycle: Recycle = Recycle()

    @property
    def place(self) -> Code:
        """Return the same code without the flow."""
        return replace(self, entrypoint="")


def fingerprint(paths: Iterable[str]) -> Fingerprint:
    """Return times and sizes of files; a file that is not there has none."""
    found: Fingerprint = {}
    for path in paths:
        try:
            status = os.stat(path)  # noqa: PTH116  A Path costs more than the call, and this runs for every run.
        except OSError:
            continue
        found[path] = (status.st_mtime_ns, status.st_size)
    return found


def changed(known: Mapping[str, tuple[int, int]]) -> str | None:
    """Return the first file that is no longer as it was, or None."""
    now = fingerprint(known)
    return next((path for path, was in known.items() if now.get(path) != was), None)


def own_files(directory: str) -> list[str]:
    """Return the files of imported modules below the flow's directory; installed packages do not count."""
    root = Path(directory).resolve()
    installed = [Path(path).resolve() for path in {*sysconfig.get_paths().values(), sys.prefix, sys.base_prefix}]
    # A virtual environment is often inside the project; the project is never inside one.
    foreign = [path for path in installed if path != root and root.is_relative_to(path) is False]
    files = []
    for module in list(sys.modules.values()):
        name = getattr(module, "__file__", None)
        if not isinstance(name, str):
            continue
        path = Path(name).resolve()
        if path.is_relative_to(root) and not any(path.is_relative_to(other) for other in foreign):
            files.append(str(path))
    return sorted(set(files))
