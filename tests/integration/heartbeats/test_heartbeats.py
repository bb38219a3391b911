"""Signs of life in both databases: one statement for all of a process, and what is removed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import event

from deployments.heartbeats import FORGET_AFTER, Heartbeats, note_upkeep
from deployments.watched_loop import WatchedLoop
from mailroom.heartbeats import repository as heartbeats
from mailroom.heartbeats.spec import UPKEEP, WORKERS, WRITER, Beat
from mailroom.settings import Settings
from mailroom.storage.database import Database
from mailroom.watching.signs.hosts import HOST
from mailroom.watching.signs.prefect import Probe
from mailroom.watching.signs.written import DISK, PREFECT
from tests.support.prefect import NOBODY_LISTENS

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def later(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture(params=["sqlite", "postgres"])
async def tables(request: pytest.FixtureRequest, migrated_url: Callable[[str], str]) -> AsyncIterator[Database]:
    """Make a migrated database, once on SQLite and once on Postgres."""
    database = Database(migrated_url(request.param))
    yield database
    await database.close()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, prefect_api_url=NOBODY_LISTENS)


async def _beats(database: Database) -> dict[tuple[str, str], Beat]:
    async with database.session() as session:
        return {(beat.process, beat.name): beat for beat in await heartbeats.every(session)}


async def _nothing() -> None:
    return


async def test_a_process_writes_all_its_signs_by_one_statement_and_removes_them_at_its_end(
    tables: Database, settings: Settings
) -> None:
    clock, probe = Clock(), Probe(settings)
    loops = [WatchedLoop(name, _nothing, every=5, late_after=300) for name in ("watchdog", "rescue")]
    writer = Heartbeats(tables, settings, loops, probe, clock=clock)
    await writer.tick()
    loops[0].health.success(1.0, NOW + timedelta(seconds=7))
    clock.later(10)
    statements: list[str] = []
    event.listen(tables.engine.sync_engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    await writer.tick()
    await probe.close()

    assert [one.split()[0] for one in statements if one.split()[0] in ("INSERT", "UPDATE", "DELETE")] == ["INSERT"]
    found = await _beats(tables)
    assert {name for _, name in found} == {"watchdog", "rescue", WRITER, PREFECT, DISK, HOST}
    watchdog, rescue = found[writer.process, "watchdog"], found[writer.process, "rescue"]
    # The database's clock is a few microseconds from this host's, of which the loop told its success.
    assert abs(watchdog.last_success - NOW - timedelta(seconds=7)) < timedelta(seconds=1)
    assert watchdog.late_after == 315
    assert (rescue.last_success, rescue.began_at) == (NOW, NOW), "it has not succeeded yet"
    own = found[writer.process, WRITER]
    assert (own.last_success, own.steady_since) == (NOW + timedelta(seconds=10), NOW)
    assert found[writer.process, PREFECT].detail["signs"]["error"] == "ConnectError"

    await writer.end()
    assert await _beats(tables) == {}


async def test_who_ends_well_takes_along_the_dead_that_it_replaced(tables: Database, settings: Settings) -> None:
    clock, probe = Clock(), Probe(settings)
    writer = Heartbeats(tables, settings, [], probe, clock=clock)
    limit = settings.heartbeat_silent_seconds
    died, began = NOW - timedelta(seconds=2 * limit), NOW - timedelta(seconds=9 * limit)
    others = [Beat(WRITER, "api one:1", began, died, limit), Beat(WRITER, "api one:2", began, NOW, limit)]
    async with tables.session() as session:
        await heartbeats.write(session, others)
    await writer.tick()
    await writer.end()
    assert {process for process, _ in await _beats(tables)} == {"api one:2"}
    await probe.close()


async def test_a_writer_that_missed_a_turn_is_steady_from_its_next_one(database: Database, settings: Settings) -> None:
    clock, probe = Clock(), Probe(settings)
    writer = Heartbeats(database, settings, [], probe, clock=clock)
    await writer.tick()
    async with database.engine.begin() as connection:
        await connection.exec_driver_sql("ALTER TABLE heartbeats RENAME TO away")
    clock.later(10)
    with pytest.raises(Exception, match="no such table"):
        await writer.tick()
    async with database.engine.begin() as connection:
        await connection.exec_driver_sql("ALTER TABLE away RENAME TO heartbeats")
    clock.later(10)
    await writer.tick()
    await probe.close()
    own = (await _beats(database))[writer.process, WRITER]
    assert (own.steady_since, own.began_at) == (clock.now, NOW)


async def test_processes_that_are_silent_for_a_day_are_forgotten_and_the_workers_never(tables: Database) -> None:
    def beat(process: str, name: str, ago: timedelta) -> Beat:
        return Beat(name, process, NOW - timedelta(days=9), NOW - ago, 40)

    day = FORGET_AFTER
    long, short = day + timedelta(minutes=1), day - timedelta(minutes=1)
    signs = [
        beat("api gone:1", WRITER, long),
        beat("api gone:1", "watchdog", long),
        beat("api dead:2", WRITER, short),
        beat("api dead:2", "watchdog", long),
        beat(WORKERS, UPKEEP, long),
    ]
    async with tables.session() as session:
        await heartbeats.write(session, signs)
        await heartbeats.forget(session, before=NOW - day)
    assert {process for process, _ in await _beats(tables)} == {"api dead:2", WORKERS}
    assert len(await _beats(tables)) == 3


async def test_the_upkeep_says_since_when_it_has_missed_no_turn(tables: Database, settings: Settings) -> None:
    clock = Clock()
    for seconds in (0, 60, 60):
        clock.later(seconds)
        await note_upkeep(tables, settings, clock=clock)
    found = await _beats(tables)
    assert set(found) == {(WORKERS, UPKEEP), (WORKERS, PREFECT), (WORKERS, DISK), (WORKERS, HOST)}
    assert (found[WORKERS, UPKEEP].last_success, found[WORKERS, UPKEEP].steady_since) == (clock.now, NOW)
    clock.later(600)
    await note_upkeep(tables, settings, clock=clock)
    assert (await _beats(tables))[WORKERS, UPKEEP].steady_since == clock.now
