"""Take guards out of a copy of the checkout, and run the tests that watch them there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from scripts.guards.guards import Guard

CHECKOUT = Path(__file__).resolve().parents[2]
_LEFT_OUT = shutil.ignore_patterns(
    ".venv*", ".git", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", "out"
)
_FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)
_TESTS_FAILED = 1
"""The exit status of pytest where tests ran and some failed; https://docs.pytest.org/en/stable/reference/exit-codes.html."""


class Copy:
    """A copy of the checkout, below a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "checkout"
        shutil.copytree(CHECKOUT, self.root, ignore=_LEFT_OUT, symlinks=True)

    @contextmanager
    def without(self, guard: Guard) -> Iterator[None]:
        """Take the guard out for the length of the block."""
        file = self.root / guard.file
        before = file.read_text()
        file.write_text(guard.removed_from(before))
        try:
            yield
        finally:
            file.write_text(before)

    def failures(self, tests: Sequence[str], *, stop_at_first: bool) -> list[str]:
        """Run these tests in the copy; return the names of those that failed.

        Raises:
            RuntimeError: pytest itself could not run them, which is no red test.
        """
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests]
        paths = os.pathsep.join([str(self.root), str(self.root / "blocks")])
        # Before the checkout that is installed in this environment, also in the processes that tests start.
        environment = os.environ | {"PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(
            command + (["-x"] if stop_at_first else []),
            cwd=self.root,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode == 0:
            return []
        failed = _FAILED.findall(done.stdout)
        if done.returncode != _TESTS_FAILED or not failed:
            raise RuntimeError(
                f"pytest ended with status {done.returncode}:\n{done.stdout[-3000:]}{done.stderr[-2000:]}"
            )
        return failed
