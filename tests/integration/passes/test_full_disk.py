"""A disk that is really full: nothing is stored by halves, no report is lost, and all goes on once there is room."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from mailroom.errors import Unavailable
from mailroom.executions.reasons import ReasonCode
from mailroom.heartbeats import repository as heartbeats
from mailroom.heartbeats.spec import WRITER, Beat
from mailroom.incidents import watch
from mailroom.incidents.finders.parts import disk
from mailroom.incidents.finders.registry import Finder
from mailroom.incidents.spec import IncidentKind, Stage, Telling
from mailroom.incidents.to_tell import due_to_tell
from mailroom.passes.outcome import Outcome
from mailroom.states import ExecutionState
from mailroom.storage.artifacts import ArtifactStore
from mailroom.storage.database import new_id
from mailroom.storage.full_disk import needs_room
from mailroom.storage.model.upkeep.incidents import Incident
from mailroom.watching.signs import written
from tests.support.samples import FOLDER
from tests.support.small_disk import small_disk_at

if TYPE_CHECKING:
    from tests.support.environment import Environment

pytestmark = pytest.mark.xdist_group("small disk")
PROCESS = "api one"


@pytest.fixture
def disk_of_ours(tmp_path: Path) -> Iterator[Path]:
    """A folder of our own on a file system of 4 MB."""
    with small_disk_at(tmp_path / "small") as mounted:
        folder = mounted / "ours"
        folder.mkdir()
        yield folder
        shutil.rmtree(folder)


def fill(folder: Path) -> Path:
    """Leave no room at all; return the file that takes it."""
    ballast = folder / "ballast"
    ballast.write_bytes(b"x" * shutil.disk_usage(folder).free)
    assert shutil.disk_usage(folder).free == 0
    return ballast


def files_of(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


class Watch:
    """A process that sees this disk, and looks for incidents."""

    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self.told: list[Telling] = []

    async def look(self) -> None:
        """Write what is left of the disk, look, and hand on what is to be told, also what is held for a moment."""
        database, settings, now = self.environment.database, self.environment.settings, self.environment.now()
        held = timedelta(seconds=settings.incidents.tell_after_seconds)
        seen = await written.of_disk(settings, process=PROCESS, began_at=now, now=now)
        assert seen is not None
        alive = Beat(WRITER, PROCESS, now, now, 40, {"steady_since": now.isoformat()})
        await database.transact(partial(heartbeats.write, beats=[alive, seen]))
        await watch.look(database, settings, now=now, finders=[Finder("disk", disk.KINDS, disk.find)])
        self.told += await database.transact(partial(due_to_tell, now=now + held))

    async def incidents(self) -> list[tuple[str, datetime | None]]:
        async with self.environment.database.session() as session:
            return [(row.kind, row.resolved_at) for row in await session.scalars(select(Incident))]


async def test_a_report_waits_for_room_and_operators_are_told_once(
    environment: Environment, disk_of_ours: Path
) -> None:
    settings = environment.settings.model_copy(
        update={"data_dir": disk_of_ours / "data", "min_free_mb": 0, "disk_low_mb": 2}
    )
    full = replace(environment, settings=settings)
    settings.artifacts_dir.mkdir(parents=True)
    watch_ = Watch(full)
    await watch_.look()
    assert await watch_.incidents() == []

    ballast = fill(disk_of_ours)
    schedule, run_id = await full.create(destinations=[FOLDER]), new_id()
    execution = await full.request(schedule)
    for _ in range(2):
        outcome = await full.run_pass(schedule, execution, run_id=run_id)
        assert isinstance(outcome, Outcome)
        assert (outcome.state, outcome.reason.code) == (ExecutionState.RETRYING, ReasonCode.RENDER_RETRY)
        assert outcome.retry_at is not None
        await watch_.look()
    assert files_of(settings.artifacts_dir) == []
    assert [kind for kind, _ in await watch_.incidents()] == [IncidentKind.DISK_LOW]
    assert [one.stage for one in watch_.told] == [Stage.OPENED]

    ballast.unlink()
    outcome = await full.run_pass(schedule, execution, run_id=run_id)
    assert isinstance(outcome, Outcome)
    assert outcome.state is ExecutionState.SUCCESS
    await watch_.look()
    assert [one.stage for one in watch_.told] == [Stage.OPENED, Stage.RESOLVED]
    (incident,) = await watch_.incidents()
    assert incident[1] is not None


def test_the_store_leaves_no_half_of_a_file(disk_of_ours: Path, tmp_path: Path) -> None:
    store, content = ArtifactStore(disk_of_ours / "artifacts"), b"x" * 1_000_000
    kept = store.put(b"small")
    source = tmp_path / "report.csv"
    source.write_bytes(content)
    ballast = fill(disk_of_ours)
    ballast.open("r+b").truncate(ballast.stat().st_size - 500_000)
    before = files_of(disk_of_ours)
    with pytest.raises(Unavailable), needs_room(disk_of_ours):
        store.put(content)
    with pytest.raises(Unavailable), needs_room(disk_of_ours):
        store.take(source, "ab" * 32)
    assert files_of(disk_of_ours) == before
    assert source.read_bytes() == content
    ballast.unlink()
    assert store.read(store.put(content)) == content
    assert store.read(kept) == b"small"
