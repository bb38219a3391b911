"""A mail server that is down for ten minutes while runs wait for it is one incident, and every mail goes out then.

`make test-incidents` runs it, for a quarter of an hour; `MINUTES=3` lets the server be away for less.
"""

from __future__ import annotations

import os
import sys
import time

import pytest

from tests.acceptance.incidents.schedules import Faults
from tests.acceptance.incidents.story import play
from tests.support.smtp import smtp_settings
from tests.support.system import wait_for

pytestmark = [
    pytest.mark.skipif(os.environ.get("INCIDENTS") != "all", reason="`make test-incidents` runs it."),
    pytest.mark.timeout(3600),
]
MINUTES = float(os.environ.get("MINUTES", "10"))
SCHEDULES = 12
"""More than the ten attempts that open the breaker of the connection."""
SECONDS = 60.0
"""So soon it has to be told, and so soon after the server is back that it is over."""


def test_a_mail_server_that_is_down_and_comes_back(faults: Faults) -> None:
    with faults.system.up():
        faults.connection("dead-mail", "email", smtp_settings(faults.dead.port))
        down = faults.down("dead-mail", SCHEDULES)
        play([down], faults.book, 420)
        assert down.broken_at is not None
        back_at = down.broken_at + 60 * MINUTES
        wait_for("the end of the time", lambda: time.monotonic() >= back_at, 60 * MINUTES + 60)
        faults.stack.enter_context(faults.dead.in_thread())
        down.mended()
        play([down], faults.book, 1800)
        sys.stdout.write(f"{down.counted(faults.book)}\n")
        wait_for("the mails", lambda: len(faults.dead.mails) == SCHEDULES, 120)
        sys.stdout.write(f"The last mail came {time.monotonic() - back_at:.0f} s after the server was back.\n")
        down.check(faults.book)
        assert len(faults.book.incidents()) == 1, "nothing has failed for good"
        assert down.seconds["alerted"] <= SECONDS, down.seconds
        assert down.seconds["told over"] <= SECONDS, down.seconds
