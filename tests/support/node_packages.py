"""Packages of Node that a test needs, installed once for each lock file into the account's cache."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.support.programs import needs


def installed(folder: Path) -> dict[str, str]:
    """Return what a program of Node needs in its environment, to find the packages that this folder's lock file names.

    Without Node, or without a registry to ask, the test is skipped; in CI it fails.
    """
    npm = needs("npm", "npm")
    lock = [folder / "package.json", folder / "package-lock.json"]
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in lock)).hexdigest()[:16]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mailroom-tests"
    place = cache / f"node-{digest}"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / f"node-{digest}.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)  # Other processes of the suite want the same.
        if not place.exists():
            _install(npm, lock, cache, place)
    return {"NODE_PATH": str(place / "node_modules"), "PATH": os.environ.get("PATH", "")}


def _install(npm: Path, lock: list[Path], cache: Path, place: Path) -> None:
    with tempfile.TemporaryDirectory(dir=cache) as name:
        packages = Path(name) / "packages"
        packages.mkdir()
        for file in lock:
            shutil.copy(file, packages)
        command = [str(npm), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        ended = subprocess.run(command, cwd=packages, capture_output=True, text=True, timeout=120, check=False)
        if ended.returncode != 0:
            told = f"The packages of {lock[0].parent} cannot be installed by npm: {ended.stderr.strip()[-500:]}"
            if os.environ.get("CI") == "true":
                pytest.fail(told)
            pytest.skip(told)
        packages.rename(place)  # In one step: a place that is there is whole.
