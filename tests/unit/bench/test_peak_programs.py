"""The bench of the peak leaves nothing running."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import psutil
import pytest

from bench.peak.programs import must_run, running
from bench.peak.waiting import wait_for

# A program that starts another in a session of its own, as Celery's and Prefect's workers do.
_PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
print(child.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("broken_off", [KeyboardInterrupt, SystemExit])
def test_what_a_program_started_ends_with_it(tmp_path: Path, broken_off: type[BaseException]) -> None:
    log = tmp_path / "log"
    with pytest.raises(broken_off), running([sys.executable, "-c", _PARENT], os.environ, log) as parent:  # noqa: PT012  the block is what breaks off
        child = psutil.Process(int(wait_for("The child", lambda: log.read_text().strip(), 30, every=0.05)))
        raise broken_off
    assert not parent.is_running()
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


def test_a_program_that_ends_by_itself_is_told_with_its_last_lines(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with running([sys.executable, "-c", "print('no such port'); raise SystemExit(3)"], os.environ, log) as process:
        process.wait(30)
        with pytest.raises(SystemExit, match=r"(?s)status 3.*no such port"):
            must_run(process, log)
