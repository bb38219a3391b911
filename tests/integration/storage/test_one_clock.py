"""Hosts whose clocks differ: each tells the database's time, so that leases and due times mean the same everywhere."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from mailroom.settings import CHECKOUT
from mailroom.storage.database import Database
from mailroom.storage.hosts import clock as clocks
from mailroom.storage.hosts.clock import DatabaseClock
from tests.support.wrong_clock import needs_faketime

NEAR = timedelta(seconds=1)
SKEWS = [-30.0, 30.0]


def _host(url: str, skew: float) -> Database:
    """Return the database as a host sees it whose clock is off by so many seconds."""
    return Database(url, clock=DatabaseClock(lambda: datetime.now(UTC) + timedelta(seconds=skew)))


@pytest.fixture
async def url(migrated_url: Callable[[str], str]) -> str:
    """Make a migrated database on Postgres."""
    return migrated_url("postgres")


@pytest.fixture(params=SKEWS)
async def skewed(request: pytest.FixtureRequest, url: str) -> AsyncIterator[Database]:
    """Open the database from a host whose clock is wrong."""
    database = _host(url, request.param)
    yield database
    await database.close()


async def _said(database: Database) -> datetime:
    async with database.engine.connect() as connection:
        said = (await connection.execute(text("SELECT clock_timestamp()"))).scalar_one()
    assert isinstance(said, datetime)
    return said


async def test_a_host_whose_clock_is_wrong_tells_the_time_of_the_database(skewed: Database) -> None:
    assert not skewed.clock.is_known
    await skewed.agree_on_time()
    assert abs(skewed.now() - await _said(skewed)) < NEAR
    assert skewed.clock.ahead is not None
    assert min(abs(skewed.clock.ahead - skew) for skew in SKEWS) < 1


async def test_it_measures_again_with_the_first_use_after_a_while(
    skewed: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await skewed.agree_on_time()
    before = skewed.clock.ahead
    assert not skewed.clock.is_due()
    monkeypatch.setattr(clocks, "MEASURED_FOR", 0.0)
    async with skewed.session() as session:
        await session.execute(text("SELECT 1"))
    assert skewed.clock.ahead != before


def _scripted(*, said: datetime) -> tuple[DatabaseClock, list[float]]:
    seconds = [0.0]
    clock = DatabaseClock(lambda: said, lambda: seconds[0])
    return clock, seconds


async def test_a_step_of_the_local_clock_changes_nothing() -> None:
    noon = datetime(2026, 11, 26, 12, tzinfo=UTC)
    clock, seconds = _scripted(said=noon + timedelta(hours=1))
    clock.measure(lambda: noon)
    seconds[0] = 10.0
    assert clock.now() == noon + timedelta(seconds=10)
    assert clock.ahead == 3600


async def test_a_slow_answer_does_not_replace_a_precise_one() -> None:
    noon = datetime(2026, 11, 26, 12, tzinfo=UTC)
    clock, seconds = _scripted(said=noon)
    clock.measure(lambda: noon)
    seconds[0] = 30.0

    def slow() -> datetime:
        seconds[0] += 8.0
        return noon

    clock.measure(slow)
    assert clock.now() == noon + timedelta(seconds=46), "counted on from the precise answer"


async def test_a_database_that_does_not_tell_its_time_is_no_fault_of_who_uses_it(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_connection: object) -> datetime:
        raise OSError("no answer")

    monkeypatch.setattr(clocks, "_ask", broken)
    database = _host(url, 30.0)
    async with database.session() as session:
        assert (await session.execute(text("SELECT 1"))).scalar_one() == 1
    assert not database.clock.is_known
    await database.close()


_PRINT_NOW = """
import asyncio, sys
from mailroom.storage.database import Database

async def main():
    database = Database(sys.argv[1])
    await database.agree_on_time()
    print(database.now().timestamp(), database.clock.ahead)
    await database.close()

asyncio.run(main())
"""


@needs_faketime
@pytest.mark.parametrize("skew", SKEWS)
async def test_a_process_whose_whole_system_has_another_time_tells_that_of_the_database(url: str, skew: float) -> None:
    command = ["faketime", "-f", f"{skew:+.0f}s", sys.executable, "-c", _PRINT_NOW, url]
    environment = {**os.environ, "DONT_FAKE_MONOTONIC": "1"}
    done = subprocess.run(
        command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, timeout=60, check=True
    )
    told, ahead = map(float, done.stdout.split())
    assert abs(told - time.time()) < 20, "the start of the process lies in between, and not half a minute"
    assert abs(ahead - skew) < 1
