"""A live stack of the version before is upgraded as the documentation says, without a missed or doubled report.

Old and new programs work side by side for MINUTES minutes meanwhile, and people change schedules through both.
`make test-upgrade` runs it; the suite has the programs before on the tables of today.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.peak.waiting import say
from bench.scale import filling
from bench.scale.stack import versions, whole
from bench.scale.stack.versions import Version
from bench.scale.stack.whole import Sizes, Whole
from mailroom.settings import CHECKOUT
from tests.support.rolling import clock
from tests.support.rolling.asking import Asking
from tests.support.rolling.inbox import Inbox
from tests.support.rolling.judge import conclude
from tests.support.rolling.people import People
from tests.support.rolling.story import Story
from tests.support.waiting import eventually_sync

BEFORE = "4082c862"
"""The last commit before programs knew that tables may be newer than they are."""
KNOWS = "c94dae25"
"""A commit whose programs know it."""
MINUTES = int(os.environ.get("MINUTES") or 6)
SCHEDULES = 5

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.xdist_group("several"),
    pytest.mark.skipif(os.environ.get("UPGRADE") != "all", reason="It takes minutes: make test-upgrade runs it."),
    pytest.mark.skipif(sys.platform != "linux" or sys.version_info >= (3, 13), reason="Redis has no other wheel."),
    pytest.mark.skipif(not versions.can_run(), reason="Processes cannot have mounts of their own here."),
]


@pytest.fixture(params=[BEFORE, KNOWS], ids=["before", "knows"])
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Version:
    """Return the version before, unpacked from the history."""
    commit = str(request.param)
    if not versions.is_known(commit):
        pytest.skip(f"the history does not have {commit}")
    place = tmp_path / "mailroom"
    place.mkdir()
    return Version(commit, versions.unpack(commit, tmp_path / commit), place)


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    """Take mails while the test runs."""
    inbox = Inbox()
    with inbox.serving():
        yield inbox


@pytest.mark.timeout(1500 + 90 * MINUTES)
def test_no_report_is_missed_or_doubled_while_versions_change(old: Version, inbox: Inbox, tmp_path: Path) -> None:
    new = Version("today", CHECKOUT, old.place)
    sizes = Sizes(prefect=2, services=1, limit=2)
    with whole.running(tmp_path / "stack", sizes, version=old, drain_seconds=3) as (stack, keeper):
        people = People(stack)
        filling.connect(stack, inbox.port)
        people.make_report()
        clock.until_calm()
        for number in range(SCHEDULES):
            people.create(f"api-{1 + number % 2}")
        asking = Asking(stack)
        with asking.going_on():
            _delivered(inbox)
            _upgrade(stack, new, tmp_path)
            _delivered(inbox)

            say("host 2 is upgraded")
            for name in ("renderers-2", "worker-2", "api-2"):
                clock.until_due()
                stack.replace(stack.units[name], new)
            _side_by_side(people, old)

            say("host 1 is upgraded")
            for name in ("renderers-1", "worker-1", "api-1"):
                clock.until_due()
                stack.replace(stack.units[name], new)
            _delivered(inbox)
            _delivered(inbox)

        clock.until_calm()
        conclude(people, inbox, asking, keeper.deaths)
        stack.run("account", version=new)  # It fails where a due time is not accounted for.


def _delivered(inbox: Inbox) -> None:
    """Wait until the next due time has been delivered to somebody."""
    due = clock.until_due()
    eventually_sync(lambda: any(moment == due for _, moment in list(inbox.taken)), 60, lambda: f"Nothing of {due}")


def _upgrade(stack: Whole, new: Version, tmp_path: Path) -> None:
    """Type what docs/operations/upgrade.md says."""
    say("mailroom upgrade")
    stack.run("backup", str(tmp_path / "before-upgrade"), version=new)
    stack.run("upgrade", "--check", version=new, good=(0, 3))
    stack.run("upgrade", version=new)
    stack.run("init", "--wait", "60", version=new)


def _side_by_side(people: People, old: Version) -> None:
    """Let old and new programs work for so many minutes, while people change schedules through both."""
    stories = [Story(people, "api-1", "api-2"), Story(people, "api-2", "api-1")]
    say(f"old and new side by side for {MINUTES} minutes")
    for minute in range(MINUTES):
        clock.until_calm()
        for story in stories:
            story.step()
        due = clock.until_due()
        if minute % 15 == 2:
            people.stack.replace(people.stack.units["worker-1"], old)
        elif minute % 15 == 4:
            people.stack.replace(people.stack.units["api-1"], old)
        say(f"minute {minute + 1} of {MINUTES}: {due:%H:%M}")
