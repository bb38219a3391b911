"""Hosts that differ from the others, beside a system on Postgres, whose clock is the one that counts.

`make test-incidents` runs it, for two minutes. SQLite has no clock of its own, so `test_every_kind` cannot provoke it.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mailroom.incidents.finders.parts import hosts as finder
from tests.acceptance.incidents import hosts
from tests.acceptance.incidents.parts import SecondApi
from tests.acceptance.incidents.schedules import Faults
from tests.acceptance.incidents.story import Story, play
from tests.acceptance.incidents.table import written
from tests.support.wrong_clock import needs_faketime

pytestmark = [
    pytest.mark.skipif(os.environ.get("INCIDENTS") != "all", reason="`make test-incidents` runs it."),
    pytest.mark.timeout(1800),
]
LONGEST = 900
"""Four processes are started one after the other, which takes minutes on a machine that is busy."""


@needs_faketime
def test_other_hosts(faults: Faults, tmp_path: Path, fresh_postgres: str) -> None:
    system, book = faults.system, faults.book
    system.settings["MAILROOM_DATABASE_URL"] = fresh_postgres
    stories: list[Story] = []
    with system.up(), written("other hosts", stories, book):
        far, near = (SecondApi(system, tmp_path / f"{name}.log") for name in ("far", "near"))
        with far.ended(), near.ended():
            stories += [hosts.with_wrong_clock(far, tmp_path), hosts.with_another_folder(near, tmp_path)]
            play(stories, book, LONGEST)
        for story in stories:
            story.check(book)
        assert {story.kind for story in stories} == finder.KINDS
        assert {(one.kind, one.subject) for one in book.incidents()} == {(one.kind, one.subject()) for one in stories}
        assert (book.receiver.refused, book.receiver.repeats) == (0, 0)
        assert len(book.receiver.requests) == 2 * len(stories)
