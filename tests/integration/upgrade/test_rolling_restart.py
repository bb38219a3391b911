"""Every process of a live stack is restarted, one after the other, while reports are sent: none is missed or doubled.

Each gets its SIGTERM in the seconds after a due time. `make test-upgrade` runs it.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from bench.peak.waiting import say
from bench.scale import filling
from bench.scale.stack import whole
from bench.scale.stack.whole import Sizes
from tests.support.rolling import clock
from tests.support.rolling.asking import Asking
from tests.support.rolling.inbox import Inbox
from tests.support.rolling.judge import conclude
from tests.support.rolling.people import People

SCHEDULES = 8
RESTARTED = (
    ("worker-1",),
    ("worker-2",),
    ("renderers-1",),
    ("api-1", "services-1"),
    ("renderers-2",),
    ("api-2", "services-2"),
    ("prefect-1",),
    ("prefect-2",),
)
"""The processes that are restarted after each due time. Those of a kind follow each other; those of one line do not
matter to each other."""

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.xdist_group("several"),
    pytest.mark.skipif(os.environ.get("UPGRADE") != "all", reason="It takes minutes: make test-upgrade runs it."),
    pytest.mark.skipif(sys.platform != "linux" or sys.version_info >= (3, 13), reason="Redis has no other wheel."),
]


@pytest.mark.timeout(1500)
def test_no_report_is_missed_or_doubled_while_everything_is_restarted(tmp_path: Path) -> None:
    # Slow enough that a worker is asked to end while some reports are being sent and others have not begun.
    inbox = Inbox(seconds=2)
    with inbox.serving(), whole.running(tmp_path / "stack", Sizes(limit=2), drain_seconds=3) as (stack, keeper):
        people, asking = People(stack), Asking(stack)
        filling.connect(stack, inbox.port)
        people.make_report()
        clock.until_calm()
        for _ in range(SCHEDULES):
            people.create("api-1")
        with asking.going_on():
            clock.until_due()
            for names in RESTARTED:
                due = clock.until_due()
                say(f"{', '.join(names)} after {due:%H:%M}")
                for name in names:
                    stack.replace(stack.units[name], None)
            clock.until_due()
            clock.until_calm()
        conclude(people, inbox, asking, keeper.deaths)
        stack.run("account")  # It fails where a due time is not accounted for.
