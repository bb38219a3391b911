"""With the real stack, every kind of incident is provoked: one incident, one alert by each route, one resolution.

`make test-incidents` runs it, for about ten minutes, prints the table and writes bench/out/incidents.json. What a
process sees and decides is tested in `make test`, and one kind from end to end as well.

Other than by default: connections try again after 3 s (30 s), so that a run ends while somebody waits; 30 s is what may
wait in the queue (300 s); and there is less room on the disk than is asked for, until the system is started again.
"""

from __future__ import annotations

import os
import shutil
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import httpx
import pytest

from mailroom.incidents.spec import IncidentKind
from tests.acceptance.incidents import parts
from tests.acceptance.incidents.book import Book
from tests.acceptance.incidents.schedules import Faults, digests
from tests.acceptance.incidents.story import Story, play
from tests.acceptance.incidents.table import written
from tests.support.system import wait_for

pytestmark = [
    pytest.mark.skipif(os.environ.get("INCIDENTS") != "all", reason="`make test-incidents` runs it."),
    pytest.mark.timeout(1800),
]
LONGEST = 240
"""No story takes longer, also on a machine that is busy with other tests."""


def test_every_kind(faults: Faults, tmp_path: Path) -> None:
    system, book = faults.system, faults.book
    free = shutil.disk_usage(system.folder).free // 2**20
    defaults = dict(system.settings)
    system.settings |= {"MAILROOM_QUEUE_BEHIND_SECONDS": "30", "MAILROOM_DISK_LOW_MB": str(free + 100_000)}
    stories: list[Story] = []
    disk = parts.small_disk()
    with system.up(), written("every kind", stories, book):
        disk.broken_at = time.monotonic()
        _first_start(faults, disk, stories, tmp_path)
    system.settings = {**defaults, "MAILROOM_TELLING__DIGEST_AT": f"{datetime.now(UTC):%H:%M}"}
    with system.up(), written("every kind", stories, book):
        disk.mended()
        for story in (parts.worker(), parts.prefect()):
            stories.append(story)
            play([disk, story], book, LONGEST)
        _digest(book)
        _verdict(faults, stories)


def _first_start(faults: Faults, disk: Story, stories: list[Story], folder: Path) -> None:
    """Tell the stories that need no process of the system to end: all at once where they leave each other alone."""
    book = faults.book
    faults.prepare()
    recovering = faults.recovering()
    with parts.SecondApi(faults.system, folder / "api.log").running() as second:
        at_once = [
            disk,
            faults.failing(),
            faults.suspended(),
            faults.dead_server(),
            faults.refused_by_prefect(),
            parts.ending_key(faults.system),
            parts.changed_trail(faults.system),
            parts.wrong_folder(faults.system),
            parts.missed_level(faults.system, recovering),
            second.story(),
        ]
        stories += at_once
        play(at_once, book, LONGEST)
    recovered = faults.last(recovering)
    assert recovered["status"] == "success", recovered
    assert faults.mail.replies["later@example.com"] == [], "it was refused twice"
    assert not book.incidents(subject=recovering), "a run that recovers by a retry is no incident"
    behind = faults.behind()
    missed = faults.missed(behind)
    stories += [behind, missed]
    play([behind, missed], book, LONGEST)


def _digest(book: Book) -> None:
    """The warning that nobody was told of at once is in the owner's digest of the day, once."""
    prefect = f"http://127.0.0.1:{book.system.ports['PREFECT_PORT']}/api"
    deployment = httpx.get(f"{prefect}/deployments/name/digest/digest", timeout=10).raise_for_status().json()
    url = f"{prefect}/deployments/{deployment['id']}/create_flow_run"
    for _ in range(2):
        run = httpx.post(url, json={}, timeout=10).raise_for_status().json()["id"]
        wait_for("its end", partial(_has_ended, f"{prefect}/flow_runs/{run}"), 90)
    assert len(digests(book, parts.KEY_NAME)) == 1


def _has_ended(flow_run: str) -> bool:
    return bool(httpx.get(flow_run, timeout=10).raise_for_status().json()["state"]["type"] == "COMPLETED")


def _verdict(faults: Faults, stories: list[Story]) -> None:
    """Each kind was there exactly once, and nothing else was told."""
    book = faults.book
    for story in stories:
        story.check(book)
    assert {story.kind for story in stories} == set(IncidentKind) - {IncidentKind.CLOCK_WRONG}  # see test_other_hosts
    wanted = {(story.kind, story.subject()) for story in stories}
    others = [one for one in book.incidents() if (one.kind, one.subject) not in wanted]
    followed = {*faults.ids["dead"], faults.ids["suspended"]}
    assert {(one.kind, one.subject) for one in others} <= {("schedule_failing", one) for one in followed}
    assert not [one for one in others if one.was_told], "what follows from something else is told with it"
    assert (book.receiver.refused, book.receiver.repeats) == (0, 0)
    told = sum(len(story.told & {"request"}) for story in stories)
    assert len(book.receiver.requests) == 2 * told
