"""The pool of warm processes by itself: real zygotes and children that have nothing to run yet."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from prefect_mailroom.worker import pool as pool_module
from prefect_mailroom.worker.code import Code
from prefect_mailroom.worker.pool import Pool


@pytest.fixture
async def pool() -> AsyncIterator[Pool]:
    pool = Pool(2, logging.getLogger(__name__))
    try:
        yield pool
    finally:
        await pool.close()


@pytest.fixture
def codes(prefect_server: str, tmp_path: Path) -> list[Code]:
    for name in ("one", "other"):
        (tmp_path / f"{name}.py").write_text("from prefect import flow\n@flow\ndef main(): pass\n")
    env = (("PREFECT_API_URL", prefect_server),)
    return [Code(f"{name}.py:main", path=str(tmp_path), env=env) for name in ("one", "other")]


def zygotes() -> dict[str, psutil.Process]:
    mine = [child for child in psutil.Process().children() if "prefect_mailroom.worker.zygote" in child.cmdline()]
    return {str(process.pid): process for process in mine}


async def test_processes_stay_within_the_limits_and_end_with_the_pool(
    pool: Pool, codes: list[Code], monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        await pool.prepare(codes[0])
    (first,) = zygotes().values()
    assert len(first.children()) == 2, "no more children than may run at once"

    monkeypatch.setattr(pool_module, "_MAX_ZYGOTES", 1)
    await pool.prepare(codes[1])
    await asyncio.to_thread(first.wait, 20)
    (second,) = zygotes().values()
    family = [second, *second.children()]
    await pool.close()
    assert not any(process.is_running() for process in family)


async def test_runs_of_one_flow_wait_for_the_same_zygote(pool: Pool, codes: list[Code]) -> None:
    await asyncio.gather(*(pool.prepare(codes[0]) for _ in range(5)))
    assert len(zygotes()) == 1
