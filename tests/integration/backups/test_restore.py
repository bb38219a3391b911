"""A backup that was taken while runs go on is put back after everything was lost, and sends nothing by itself."""

from __future__ import annotations

import asyncio
import shutil
import stat
from datetime import datetime, timedelta
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

import pytest
from sqlalchemy import select, text

from mailroom.access.viewer import SYSTEM
from mailroom.backups import artifact_files, check
from mailroom.errors import Conflict
from mailroom.executions.reasons import ReasonCode
from mailroom.passes.claim import HeldElsewhere, Stopped
from mailroom.passes.outcome import Outcome
from mailroom.releases import service as releases
from mailroom.states import ExecutionState
from mailroom.stops import restored
from mailroom.stops.spec import ResumeRequest, StopCause, StopScope, WhatWasDue
from mailroom.storage.database import Database
from mailroom.storage.tables import AuditEvent, Schedule
from tests.integration.backups.conftest import KEYS, Installation, quiet

ADA, BOB = "ada@example.com", "bob@example.com"


async def _schedule(installation: Installation) -> tuple[Schedule, datetime]:
    """Store a schedule; return it and its newest due time."""
    environment = installation.environment
    due = environment.now().replace(second=0, microsecond=0)
    timing = {"frequency": "cron", "expression": f"{due.minute} * * * *", "timezone": "UTC"}
    policy = {"catchup": "all", "overlap": "allow", "expires_after": "PT12H"}
    return await environment.create(ago=timedelta(days=3), timing=timing, policy=policy), due


async def _run(installation: Installation, schedule: Schedule, at: datetime) -> ExecutionState | ReasonCode:
    """Make a pass over a due time, by a run of Prefect that has the same id each time; return what became of it."""
    run_id = str(uuid5(NAMESPACE_URL, at.isoformat()))
    found = await installation.environment.run_pass(schedule, at=at, run_id=run_id)
    if isinstance(found, Outcome) and found.state.ended:
        return found.state
    assert isinstance(found, Outcome | Stopped | HeldElsewhere)
    return found.reason.code


@pytest.mark.parametrize("what", ["send", "skip"])
async def test_what_the_backup_does_not_know_waits_for_a_person(installation: Installation, what: WhatWasDue) -> None:
    environment = installation.environment
    schedule, due = await _schedule(installation)
    before = due - timedelta(hours=1)
    # A run goes on while the backup is taken; whether the backup has it or not, nobody gets it twice.
    made, _ = await asyncio.gather(installation.back_up(), _run(installation, schedule, before))
    assert {part.name: part.kind for part in made.parts if part.kind != "file"} == {
        "ledger": "sqlite" if installation.places.ledger.startswith("sqlite") else "postgres",
        "prefect": "sqlite",
    }
    assert check.check(installation.folder, KEYS, tell=quiet).faults == []
    await _run(installation, schedule, due)
    assert sorted(environment.mail.taken()) == [ADA, ADA, BOB, BOB]
    environment.mail.clear()
    await installation.lose_ledger()
    Path(installation.places.prefect.partition(":///")[2]).unlink()
    shutil.rmtree(installation.places.artifacts)

    done = await installation.restore()

    assert done.stop is not None
    assert (done.stop.cause, done.stop.scope) == (StopCause.RESTORED, StopScope.ALL)
    assert done.without_block == ["shared", "smtp", "warehouse"], "Prefect's database of this test has no blocks"
    files, wrong = artifact_files.damaged(installation.places.artifacts, lambda *_: None)
    assert (files.part(made.artifacts.taken_at), wrong) == (made.artifacts, [])
    assert await _run(installation, schedule, due) is ReasonCode.STOPPED
    await _run(installation, schedule, before)
    assert environment.mail.taken() == []
    wanted = ResumeRequest(scope=StopScope.ALL, dry_run=False, what_was_due=what)
    await releases.resume(environment.database, wanted, viewer=SYSTEM, by="ada", now=environment.now())
    await _run(installation, schedule, due)
    assert environment.mail.taken() == ([ADA, BOB] if what == "send" else [])
    assert (await installation.states())[due] == ("success" if what == "send" else "skipped")
    # One restoration is found once: the witness and the ledger agree.
    assert await restored.look(environment.database, installation.places.witness, now=environment.now()) is None
    async with environment.database.session() as session:
        events = (await session.scalars(select(AuditEvent).where(AuditEvent.entity_type == "backup"))).all()
    assert [event.action for event in events] == ["restored"], "that it was made was noted after it was taken"


async def test_what_is_there_is_only_replaced_where_a_person_says_so(installation: Installation) -> None:
    schedule, due = await _schedule(installation)
    await installation.back_up()
    await _run(installation, schedule, due)
    known = await installation.states()
    with pytest.raises(Conflict) as refused:
        await installation.restore()
    assert refused.value.code == "not_empty"
    assert await installation.states() == known, "nothing was changed"
    done = await installation.restore(replace=True)
    assert due not in await installation.states()
    assert len(done.former) == (2 if installation.places.ledger.startswith("sqlite") else 1)
    assert all(path.is_file() for path in done.former)


async def test_an_older_prefect_beside_a_ledger_that_knows_everything_needs_no_stop(
    installation: Installation,
) -> None:
    schedule, due = await _schedule(installation)
    await installation.back_up()
    await _run(installation, schedule, due)
    installation.environment.mail.clear()
    done = await installation.restore(replace=True, only="prefect")
    assert done.stop is None
    assert await installation.standing() == []
    assert await _run(installation, schedule, due) is ReasonCode.NEVER_REPEATED
    assert installation.environment.mail.taken() == []


async def test_a_restored_ledger_beside_the_prefect_of_now_is_held(installation: Installation) -> None:
    schedule, due = await _schedule(installation)
    await installation.back_up()
    await _run(installation, schedule, due)
    installation.environment.mail.clear()
    prefect = Path(installation.places.prefect.partition(":///")[2])
    untouched = prefect.stat().st_mtime_ns
    await installation.lose_ledger()
    assert (await installation.restore(only="ledger")).stop is not None
    assert prefect.stat().st_mtime_ns == untouched
    assert await _run(installation, schedule, due) is ReasonCode.STOPPED
    assert installation.environment.mail.taken() == []


async def test_a_database_that_somebody_uses_is_left_alone(installation: Installation) -> None:
    await installation.back_up()
    url = installation.places.ledger
    other = Database(url)
    try:
        async with other.session() as session:
            await session.execute(text("SELECT 1"))
            await session.execute(text("UPDATE ledger_clock SET ticks = ticks"))
            with pytest.raises(Conflict):
                await installation.restore(replace=True)
    finally:
        await other.close()


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_nobody_else_can_read_it(installation: Installation) -> None:
    schedule, due = await _schedule(installation)
    await _run(installation, schedule, due)
    await installation.back_up()
    files = [path for path in installation.folder.rglob("*") if path.is_file()]
    assert len(files) > 3
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    folders = [installation.folder, *(path for path in installation.folder.rglob("*") if path.is_dir())]
    assert {stat.S_IMODE(path.stat().st_mode) for path in folders} == {0o700}
