"""A worker on a host whose clock is half a minute off begins runs at their time, by the clock of Prefect's server."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prefect.client.schemas.objects import StateType

from tests.support import wrong_clock
from tests.support.waiting import eventually
from tests.support.work_pool import WorkPool

# The system stamps the file, so the moment is right also where the process is told another time.
BEGINS = """
    import pathlib

    @flow
    def main(out: str):
        pathlib.Path(out).touch()
"""
LATE_BY_LOAD = 25.0
"""A busy machine may begin a run so late, and not half a minute."""


@pytest.mark.timeout(290)
@wrong_clock.needs_faketime
@pytest.mark.parametrize("skew", [-30, 30])
async def test_a_run_begins_at_its_time(work_pool: WorkPool, tmp_path: Path, skew: int) -> None:
    work_pool.start(environment=wrong_clock.variables(skew, tmp_path))
    deployment = await work_pool.deploy("begins", BEGINS)
    warm = await work_pool.order(deployment, out=str(tmp_path / "warm"))
    assert (await work_pool.until(warm)).state_type is StateType.COMPLETED
    due, out = datetime.now(UTC) + timedelta(seconds=40), tmp_path / "begun"
    run = await work_pool.order(deployment, due, out=str(out))
    await eventually(lambda: asyncio.to_thread(out.exists), 100, work_pool.told)
    late = out.stat().st_mtime - due.timestamp()
    print(f"A host that is {skew:+d} s off begins {late:+.2f} s after the time.")  # noqa: T201  the docs have it
    assert -1 <= late <= LATE_BY_LOAD
    await work_pool.until(run)
