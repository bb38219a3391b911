"""A disk that is soon full: one that CI mounted, or that root mounts here.

There is one for all processes of a test run, so whoever fills it belongs to the group "small disk", and removes what it
has put there.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

KILOBYTES = 4096


@contextlib.contextmanager
def small_disk_at(folder: Path) -> Iterator[Path]:
    """Give the folder of a file system of 4 MB, at this path if none is given; skip for who may not mount."""
    if given := os.environ.get("MAILROOM_TEST_SMALL_DISK"):
        yield Path(given)
        return
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={KILOBYTES}k", "tmpfs", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("Only root can mount a small file system; name one of 4 MB with MAILROOM_TEST_SMALL_DISK.")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)
