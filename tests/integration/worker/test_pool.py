"""The pool of warm processes by itself: real zygotes and children that have nothing to run yet."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
import pytest
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.responses import DeploymentResponse

from prefect_mailroom.worker.processes.code import Code, CodeUnusable
from prefect_mailroom.worker.processes.pool import Pool
from tests.support.processes import children_with, gone


@asynccontextmanager
async def opened(**options: Any) -> AsyncIterator[Pool]:
    pool = Pool(2, logging.getLogger(__name__), **options)
    try:
        yield pool
    finally:
        await pool.close()


@pytest.fixture
async def pool() -> AsyncIterator[Pool]:
    async with opened() as pool:
        yield pool


@pytest.fixture
def codes(prefect_server: str, tmp_path: Path) -> list[Code]:
    """Return the code of a flow in each of two folders."""
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "main.py").write_text("from prefect import flow\n@flow\ndef main(): pass\n")
    env = (("PREFECT_API_URL", prefect_server),)
    return [Code("main.py:main", path=str(tmp_path / name), env=env) for name in ("one", "other")]


def zygotes() -> dict[str, psutil.Process]:
    return {str(process.pid): process for process in children_with("prefect_mailroom.worker.processes.zygote")}


async def run(pool: Pool, code: Code) -> None:
    """Have the pool run a flow that Prefect does not know: code that cannot be used is told before that is asked."""
    flow = uuid4()
    await pool.run(code, FlowRun(flow_id=flow), DeploymentResponse(name="main", flow_id=flow, labels={}))


async def test_processes_stay_within_the_limits_and_end_with_the_pool(codes: list[Code]) -> None:
    async with opened(max_zygotes=1) as pool:
        for _ in range(3):
            await pool.prepare(codes[0])
        (first,) = zygotes().values()
        assert len(first.children()) == 2, "no more children than may run at once"

        await pool.prepare(codes[1])
        await gone(first)
        (second,) = zygotes().values()
        family = [second, *second.children()]
    await gone(*family)


async def test_a_child_that_is_killed_before_it_has_a_group_of_its_own_ends(pool: Pool, codes: list[Code]) -> None:
    slow = "import os, time\nos.register_at_fork(after_in_child=lambda: time.sleep(5))\n"
    (Path(str(codes[0].path)) / "main.py").write_text(f"{slow}from prefect import flow\n@flow\ndef main(): pass\n")
    zygote = await pool._zygote(codes[0])
    child = await zygote.spawn()
    assert "SIGKILL" in await child.kill()


async def test_runs_of_one_flow_wait_for_the_same_zygote(pool: Pool, codes: list[Code]) -> None:
    await asyncio.gather(*(pool.prepare(codes[0]) for _ in range(5)))
    assert len(zygotes()) == 1


async def test_flows_of_one_place_share_a_zygote_and_a_broken_one_gets_its_own(codes: list[Code]) -> None:
    place = Path(str(codes[0].path))
    (place / "more.py").write_text("from prefect import flow\n@flow\nasync def main(): pass\n")
    (place / "broken.py").write_text(
        "import threading, time\nthreading.Thread(target=time.sleep, args=(9,)).start()\n1/0"
    )
    async with opened(remember_unusable_seconds=0) as pool:
        await pool.prepare(codes[0])
        (shared,) = zygotes().values()
        more = replace(codes[0], entrypoint="more.py:main")
        await pool.prepare(more)
        assert list(zygotes().values()) == [shared]
        assert len(shared.children()) == 2

        broken = replace(codes[0], entrypoint="broken.py:main")
        for _ in range(2):
            with pytest.raises(CodeUnusable, match="division by zero"):
                await run(pool, broken)
        await gone(shared)  # Its children were idle.
        await pool.prepare(more)
        (clean,) = zygotes().values()
        with pytest.raises(CodeUnusable, match="division by zero"):
            await run(pool, broken)
        assert list(zygotes().values()) == [clean], "what is known to be broken is tried by itself"
