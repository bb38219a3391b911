"""Versions of Mailroom that run side by side on one machine, each as on a host of its own.

Deployments name the folder of the flows, which is the same on every host of an installation. So each process of a
version is given a mount namespace in which the files of its version lie in that one folder, as `/opt/mailroom` on hosts
that are upgraded one after the other. Packages are those of this environment for every version.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mailroom.settings import CHECKOUT

_APART = ("unshare", "--mount", "--propagation=private")
_ENTER = 'mount --bind "$0" "$1"; cd "$1"; shift; exec "$@"'


@dataclass(frozen=True, slots=True)
class Version:
    """A version: the folder that has its files, and the `place` where its processes see them."""

    name: str
    files: Path
    place: Path

    def command(self, command: Sequence[str]) -> list[str]:
        """Return the command that runs a command of this version; the process keeps its id."""
        return [*_apart(), "sh", "-ec", _ENTER, str(self.files), str(self.place), *command]

    def environment(self, environment: Mapping[str, str]) -> dict[str, str]:
        """Return the environment in which the files of this version are found before the installed ones."""
        return {**environment, "PYTHONPATH": f"{self.place}{os.pathsep}{self.place / 'blocks'}"}


def _apart() -> list[str]:
    return [*_APART, *(() if os.geteuid() == 0 else ("--map-root-user",))]


def can_run() -> bool:
    """Tell whether this machine lets us give a process other mounts than its neighbours have."""
    if shutil.which("unshare") is None:
        return False
    return subprocess.run([*_apart(), "true"], stderr=subprocess.DEVNULL, check=False).returncode == 0


def is_known(commit: str) -> bool:
    """Tell whether the history of this checkout has the commit, which copies without a history do not."""
    if shutil.which("git") is None:
        return False
    command = ["git", "cat-file", "-e", f"{commit}^{{commit}}"]
    return subprocess.run(command, cwd=CHECKOUT, stderr=subprocess.DEVNULL, check=False).returncode == 0


def unpack(commit: str, folder: Path) -> Path:
    """Write the files of a commit into a new folder, and return it."""
    packed = folder.with_suffix(".tar")
    with packed.open("wb") as output:
        subprocess.run(["git", "archive", "--format=tar", commit], cwd=CHECKOUT, stdout=output, check=True)
    folder.mkdir()
    shutil.unpack_archive(packed, folder)
    packed.unlink()
    return folder
