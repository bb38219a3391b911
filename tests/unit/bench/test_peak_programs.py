"""The bench of the peak leaves nothing running."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import psutil
import pytest

from bench.peak import usage
from bench.peak.programs import must_run, running
from bench.peak.waiting import wait_for
from embedded.processes.guard import lives

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
    assert not lives(child)


def test_the_seconds_of_a_process_that_has_ended_count_until_its_parent_has_them() -> None:
    busy = "import time\nwhile time.process_time() < 0.6: pass"  # The kernel counts in hundredths.
    with psutil.Popen([sys.executable, "-c", busy]) as ended:
        wait_for("The end", lambda: ended.status() == psutil.STATUS_ZOMBIE, 60, every=0.05)
        seen = usage.Usage()
        seen.sample([ended])
        assert seen.cpu[usage.OTHER] >= 0.5
        assert seen.peak_pss.get(usage.OTHER, 0) == 0


def test_a_program_that_ends_by_itself_is_told_with_its_last_lines(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with running([sys.executable, "-c", "print('no such port'); raise SystemExit(3)"], os.environ, log) as process:
        process.wait(30)
        with pytest.raises(SystemExit, match=r"(?s)status 3.*no such port"):
            must_run(process, log)
