"""Processes on a host whose clock is wrong, by faketime, which tells them another time than the machine's."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

needs_faketime = pytest.mark.skipif(shutil.which("faketime") is None, reason="faketime is not installed")
# faketime lets `time.sleep` fail where it does not fake the monotonic clock, too.
_SLEEPS = "import select, time; time.sleep = lambda seconds: select.select([], [], [], seconds) and None\n"


def variables(skew: float, folder: Path) -> dict[str, str]:
    """Return the variables by which a process of Python has a clock that is wrong by so many seconds.

    The command faketime itself passes no signal on to what it has started.

    Args:
        folder: it gets a module that Python imports at its start.
    """
    command = ["faketime", "-m", "-f", f"{skew:+.0f}s", "env"]
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    set_by_it = dict(line.split("=", 1) for line in told.splitlines() if "=" in line)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sitecustomize.py").write_text(_SLEEPS)
    own = {"DONT_FAKE_MONOTONIC": "1", "PYTHONPATH": str(folder)}
    return {name: set_by_it[name] for name in ("LD_PRELOAD", "FAKETIME")} | own
